#include "strata/compiler/loop/write/strips.h"

#include <unordered_map>
#include <unordered_set>

#include "strata/compiler/loop/nest/strip.h"
#include "strata/compiler/loop/write/masked_tile.h"
#include "strata/compiler/loop/write/tasks.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/append.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class StripWriter {
 public:
  StripWriter(const Nest& nest, const Strip& strip, const StripSchedule& schedule, LoopContext& context,
              const ir::Facts& facts)
      : nest_(nest), strip_(strip), schedule_(schedule), c_(context), facts_(facts) {}

  Stmts write() {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : nest_.loops) axes.push_back({loop.extent, 1});
    if (strip_.lane) axes.back().piece = schedule_.strip;
    return {tasks_of_pieces(c_, axes, [&](std::span<const TaskRange> ranges) { return task(ranges); })};
  }

 private:
  Stmts task(std::span<const TaskRange> ranges) {
    Stmts body;
    for (size_t i = 0; i < ranges.size(); ++i) outer_.loops[nest_.loops[i].var] = ranges[i].low;
    first_ = strip_.lane ? ranges.back().low : c_.i64(0);
    const Expr count = strip_.lane ? c_.binary(ExprOp::Sub, ranges.back().high, ranges.back().low) : c_.i64(1);
    const auto extent = strip_.lane ? strip_.lane->extent : ir::Dim(1);
    // Where all strips are whole, how long one is is a number.
    if (extent.is_constant() && extent.constant() % schedule_.strip == 0) {
      count_ = c_.i64(schedule_.strip);
    } else if (constant_value(count)) {
      count_ = count;
    } else {
      count_ = bound(c_, "lanes", count, body);
    }
    const Expr unit = c_.i64(schedule_.tile_vectors * schedule_.lanes);
    const Expr units = c_.binary(ExprOp::FloorDiv, offset(count_, schedule_.tile_vectors * schedule_.lanes - 1), unit);
    padded_ = c_.binary(ExprOp::Mul, units, unit);
    if (!constant_value(padded_)) padded_ = bound(c_, "padded", padded_, body);
    append(body, block(nest_.body));
    return body;
  }

  Stmts block(std::span<const StmtPtr> stmts) {
    Stmts made;
    for (const StmtPtr& s : stmts) append(made, statement(*s));
    return made;
  }

  Stmts statement(const Stmt& s) {
    if (s.kind == StmtKind::Alloc) {
      Buffer wide = *s.buffer;
      wide.shape.push_back(ir::Dim(schedule_.strip));
      const Buffer* made = c_.buffer(std::move(wide));
      scratch_[s.buffer] = made;
      inner_.insert(s.buffer);
      return {make_alloc(made)};
    }
    if (is_leaf(s)) return leaf(s);
    if (s.kind == StmtKind::If) return branch(s);
    if (s.kind == StmtKind::Block) return {make_block(block(s.body))};
    const LoopVar* own = c_.loop_var(s.loop->name);
    const Expr begin = outside(s.begin), end = outside(s.end);
    outer_.loops[s.loop] = c_.loop(own);
    return {make_for(own, begin, end, LoopKind::Serial, block(s.body))};
  }

  /// An expression that no lane changes.
  Expr outside(Expr e) { return replaced(c_, facts_, e, outer_); }

  const LoopVar* lane_var() const { return strip_.lane ? strip_.lane->var : nullptr; }

  bool differs_by_lane(Expr e) const {
    return any_node(e, [&](Expr n) {
      return (n->op == ExprOp::Load && scratch_.contains(n->buffer)) ||
             (n->op == ExprOp::Loop && n->loop == lane_var());
    });
  }

  Stmts branch(const Stmt& s) {
    if (!differs_by_lane(s.value)) return {make_if(outside(s.value), block(s.body))};
    if (mask_) refuse_schedule("a branch of lanes within another");
    mask_ = c_.buffer({"taken", DType::boolean, {ir::Dim(schedule_.strip)}, BufferKind::Scratch});
    const Local* any = c_.local("any", {DType::boolean, 1}, true);
    const LoopVar *u = c_.loop_var("u"), *w = c_.loop_var("u");
    const Expr at = c_.loop(w), no = c_.constant(DType::boolean, 0);
    const Buffer* mask = mask_;
    Stmts made{make_alloc(mask)};
    append(made, along_strip(u, padded_, {make_store(mask, {c_.loop(u)}, no)}));
    mask_ = nullptr;
    const LoopVar* v = c_.loop_var("u");
    append(made, along_strip(v, count_, {make_store(mask, {c_.loop(v)}, at_lane(s.value, c_.loop(v)))}));
    mask_ = mask;
    made.push_back(make_declare(any, no));
    made.push_back(make_for(w, c_.i64(0), count_, LoopKind::Serial,
                            {make_assign(any, c_.binary(ExprOp::Or, c_.read(any), c_.load(mask, {at})))}));
    inner_.clear();
    made.push_back(make_if(c_.read(any), block(s.body)));
    mask_ = nullptr;
    return made;
  }

  std::vector<int> widths() const {
    return schedule_.lanes > 1 ? std::vector<int>{schedule_.lanes, 1} : std::vector<int>{1};
  }

  /// for u in 0..end around statements that are made for it already.
  Stmts along_strip(const LoopVar* u, Expr end, const Stmts& body, bool is_chain = false) {
    std::vector<int> stages = end == count_ && !constant_value(end) ? halved_widths(schedule_.lanes) : widths();
    // Chains wait for their own latency: several vectors of them go side by side.
    if (is_chain && schedule_.lanes > 1 && schedule_.strip % (4 * schedule_.lanes) == 0)
      stages.insert(stages.begin(), 4 * schedule_.lanes);
    return loop_in_stages(c_, u, c_.i64(0), end, stages, body);
  }

  /// A value or index of the naive program at place `u` of the strip.
  Expr at_lane(Expr e, Expr u) {
    Substitution with = outer_;
    if (lane_var()) with.loops[lane_var()] = c_.binary(ExprOp::Add, first_, u);
    ExprRewriter scratch(c_, [&](Expr n) -> Expr {
      if (n->op != ExprOp::Load || !scratch_.contains(n->buffer)) return nullptr;
      std::vector<Expr> index(n->args, n->args + n->arg_count);
      index.push_back(u);
      return c_.load(scratch_.at(n->buffer), std::move(index));
    });
    return replaced(c_, facts_, scratch(e), with);
  }

  Stmts at_lane(const Stmts& stmts, Expr u) {
    Stmts made;
    for (const StmtPtr& s : stmts) {
      Stmt next = *s;
      for (Expr* e : {&next.begin, &next.end, &next.value})
        if (*e) *e = at_lane(*e, u);
      for (Expr& index : next.indices) index = at_lane(index, u);
      if (s->kind == StmtKind::Store && scratch_.contains(s->buffer)) {
        next.buffer = scratch_.at(s->buffer);
        next.indices.push_back(u);
        if (mask_ && !inner_.contains(s->buffer))
          next.value = c_.select(c_.load(mask_, {u}), next.value, c_.load(next.buffer, next.indices));
      } else if (s->kind == StmtKind::Store && mask_) {
        refuse_schedule("a branch of lanes that stores results");
      }
      next.body = at_lane(s->body, u);
      made.push_back(std::make_shared<const Stmt>(std::move(next)));
    }
    return made;
  }

  /// Whether the statements have a loop of few operations a step. More of them hide a chain's latency by themselves,
  /// and would not find registers for several vectors.
  static bool is_short_chain(const Stmts& stmts) {
    constexpr int kFew = 12;
    int loops = 0, operations = 0;
    for_each_stmt(stmts, [&](const Stmt& s) {
      loops += s.kind == StmtKind::For;
      if (s.value)
        for_each_node(s.value, [&](Expr e) {
          operations += e->type.dtype != DType::i64 && op_rule(e->op).domain != Domain::None;
        });
    });
    return loops > 0 && operations <= kFew;
  }

  Stmts leaf(const Stmt& s) {
    if (const auto found = read_lane_product(s, lane_var())) return product(*found);
    // The loops over what a lane has stay outside, the lanes are innermost.
    std::vector<const Stmt*> loops;
    const Stmts single{std::make_shared<const Stmt>(s)};
    const Stmts* inner = &single;
    while (inner->size() == 1 && inner->front()->kind == StmtKind::For) {
      loops.push_back(inner->front().get());
      inner = &inner->front()->body;
    }
    if (inner->size() == 1 && inner->front()->kind == StmtKind::Block) inner = &inner->front()->body;
    // Long chains, before there are vectors of them: a joining loop is marked, and a vector of one would not be.
    const Stmts expanded = expand_joining(c_, *inner);
    inner = &expanded;
    std::vector<const LoopVar*> own;
    for (const Stmt* loop : loops) {
      own.push_back(c_.loop_var(loop->loop->name));
      outer_.loops[loop->loop] = c_.loop(own.back());
    }
    if (!loops.empty() && strides_over_lanes(*inner)) return lane_by_lane(loops, own, *inner);
    const bool is_chain = is_short_chain(*inner);
    const LoopVar* u = c_.loop_var("u");
    const Expr end = touches_lanes_of_parameters(*inner, lane_var()) || mask_ ? count_ : padded_;
    Stmts made = along_strip(u, end, at_lane(*inner, c_.loop(u)), is_chain);
    for (size_t i = loops.size(); i-- > 0;)
      made = {make_for(own[i], outside(loops[i]->begin), outside(loops[i]->end), LoopKind::Serial, std::move(made))};
    return made;
  }

  /// Whether a store moves between scratch and parameters in which neighbouring lanes lie so far apart that the lines
  /// of a strip would not stay in the first cache.
  bool strides_over_lanes(const Stmts& stmts) const {
    if (stmts.size() != 1 || stmts[0]->kind != StmtKind::Store || !lane_var()) return false;
    LinearIndices indices(c_, facts_);
    bool strides = false;
    const auto look = [&](const Buffer* buffer, Expr index) {
      constexpr int64_t kFar = 128;  // elements
      if (scratch_.contains(buffer)) return;
      const ir::Dim apart = indices.of(index).coefficient(c_.loop(lane_var()));
      strides = strides || !apart.is_constant() || apart.constant() > kFar;
    };
    look(stmts[0]->buffer, stmts[0]->indices[0]);
    for (Expr load : collect_loads(stmts[0]->value)) look(load->buffer, load->args[0]);
    return strides;
  }

  /// Each lane by itself, through all that it has: a line of memory is used up before the next.
  Stmts lane_by_lane(std::span<const Stmt* const> loops, std::span<const LoopVar* const> own, const Stmts& inner) {
    const LoopVar* u = c_.loop_var("u");
    Stmts made = at_lane(inner, c_.loop(u));
    for (size_t i = loops.size(); i-- > 0;)
      made = {make_for(own[i], outside(loops[i]->begin), outside(loops[i]->end), LoopKind::Serial, std::move(made))};
    return {make_for(u, c_.i64(0), count_, LoopKind::Serial, std::move(made))};
  }

  // Products.

  ProgramPlace place() {
    return {.context = c_,
            .outer = outer_,
            .outside = [this](Expr e) { return outside(e); },
            .in_column = [this](Expr e, Expr u) { return at_lane(e, u); },
            .all_in_column = [this](const Stmts& stmts, Expr u) { return at_lane(stmts, u); }};
  }

  /// Of what is hidden from some lane; as if nothing were where a strip sees everything.
  Stmts product(LaneProduct p) {
    MaskedChain& k = p.chain;
    if (!k.where) return tiles(p);
    Stmts made;
    const Expr sees_all =
        is_known_at_corners(k, lane_var()) ? holds_at_corners(place(), k, nullptr, count_) : holds_everywhere(k, made);
    Stmts masked = tiles(p);
    k.where = nullptr;
    made.push_back(make_if(sees_all, tiles(p), std::move(masked)));
    return made;
  }

  /// Lane by lane first, which goes by vectors.
  Expr holds_everywhere(const MaskedChain& k, Stmts& made) {
    const Expr yes = c_.constant(DType::boolean, 1);
    const Buffer* whole = c_.buffer({"whole", DType::boolean, {ir::Dim(schedule_.strip)}, BufferKind::Scratch});
    const LoopVar *u = c_.loop_var("u"), *v = c_.loop_var("u"), *w = c_.loop_var("u");
    const auto at = [&](const LoopVar* lane) { return c_.load(whole, {c_.loop(lane)}); };
    made.push_back(make_alloc(whole));
    append(made, along_strip(u, padded_, {make_store(whole, {c_.loop(u)}, yes)}));
    std::vector<const LoopVar*> depth;
    for (const Stmt* loop : k.depth) {
      depth.push_back(c_.loop_var(loop->loop->name));
      outer_.loops[loop->loop] = c_.loop(depth.back());
    }
    const Expr both = c_.binary(ExprOp::And, at(v), at_lane(k.where, c_.loop(v)));
    Stmts steps = along_strip(v, padded_, {make_store(whole, {c_.loop(v)}, both)}, true);
    for (size_t d = depth.size(); d-- > 0;)
      steps = {
          make_for(depth[d], outside(k.depth[d]->begin), outside(k.depth[d]->end), LoopKind::Serial, std::move(steps))};
    append(made, steps);
    const Local* all = c_.local("all", {DType::boolean, 1}, true);
    made.push_back(make_declare(all, yes));
    made.push_back(make_for(w, c_.i64(0), count_, LoopKind::Serial,
                            {make_assign(all, c_.binary(ExprOp::And, c_.read(all), at(w)))}));
    return c_.read(all);
  }

  Stmts tiles(const LaneProduct& p) {
    std::vector<const LoopVar*> own;
    for (const Stmt* loop : p.rows) {
      own.push_back(c_.loop_var(loop->loop->name));
      outer_.loops[loop->loop] = c_.loop(own.back());
    }
    const bool is_masked = p.chain.where != nullptr;
    const MaskedTile tile{.rows = is_masked ? schedule_.masked_rows : schedule_.tile_rows,
                          .vectors = is_masked ? 1 : schedule_.tile_vectors,
                          .lanes = schedule_.lanes};
    const LoopVar* u = c_.loop_var("u");
    Stmts rows = tiles_over_rows(tile, place(), p.chain, *p.rows.back(), p.extent, own.back(), c_.loop(u));
    Stmts made{make_for(u, c_.i64(0), padded_, LoopKind::Serial, std::move(rows), tile.vectors * tile.lanes)};
    for (size_t i = p.rows.size() - 1; i-- > 0;)
      made = {make_for(own[i], outside(p.rows[i]->begin), outside(p.rows[i]->end), LoopKind::Serial, std::move(made))};
    return made;
  }

  Expr offset(Expr base, int64_t by) const { return c_.binary(ExprOp::Add, base, c_.i64(by)); }

  const Nest& nest_;
  const Strip& strip_;
  const StripSchedule& schedule_;
  LoopContext& c_;
  const ir::Facts& facts_;
  Substitution outer_;                      ///< what loops and locals of the naive program are, the lane aside
  Expr first_ = nullptr, count_ = nullptr;  ///< of the strip's lanes in the nest
  Expr padded_ = nullptr;                   ///< lanes that whole register tiles compute
  std::unordered_map<const Buffer*, const Buffer*> scratch_;
  std::unordered_set<const Buffer*> inner_;  ///< scratch within the branch that is being written
  const Buffer* mask_ = nullptr;             ///< of the lanes that take it
};

}  // namespace

Stmts write_strips(const Nest& nest, const StripSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  return StripWriter(nest, *read_strip(nest), schedule, c, facts).write();
}

}  // namespace strata::compiler
