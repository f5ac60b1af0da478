#include "strata/compiler/lower/lane_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "strata/compiler/lower/aliased_index.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/nests.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;
using Index = std::vector<Expr>;
using Key = std::pair<const Node*, uint32_t>;

/// The scan is none of this kind.
struct Refusal {
  std::string why;
};

/// What a lane keeps: with 64 lanes in f32, half a megabyte.
constexpr int64_t kMostKept = 2048;
constexpr size_t kMostNodes = 500;

Key key(Value v) { return {v.node, v.index}; }

void append(Stmts& to, const Stmts& more) { to.insert(to.end(), more.begin(), more.end()); }

/// The parts of a scan node.
struct Parts {
  explicit Parts(const Node& n)
      : constants(n.attrs.integer("constants")),
        carries(n.attrs.integer("carries")),
        length(n.attrs.dims("length")[0]),
        is_reverse(n.attrs.flag("reverse")) {}
  size_t constants, carries;
  Dim length;
  bool is_reverse;
};

/// The axes that all state has: [lead..., (between), lane].
struct Axes {
  std::vector<Dim> lead;
  Dim lane;

  bool has(Type t) const {
    const auto shape = t.shape();
    return shape.size() > lead.size() && shape.back() == lane && std::ranges::equal(shape.first(lead.size()), lead);
  }
  std::span<const Dim> between(Type t) const {
    return t.shape().subspan(lead.size(), t.shape().size() - lead.size() - 1);
  }
};

/// Types of the carries and of the slices of stacked results.
std::vector<Type> state_types(const Node& scan) {
  std::vector<Type> types;
  for (const Value& v : scan.region(0).results()) types.push_back(v.type());
  return types;
}

/// With as many leading axes as all state shares, which may be too many: a step may mix what lies along the last of
/// them.
Axes widest_axes(const Node& scan) {
  const std::vector<Type> types = state_types(scan);
  if (types.empty()) throw Refusal{"it gives nothing"};
  int rank = types[0].rank();
  for (Type t : types) rank = std::min(rank, t.rank());
  if (rank == 0) throw Refusal{"its state has no axes"};
  Axes axes{{}, types[0].shape().back()};
  for (int axis = 0; axis + 1 < rank; ++axis) {
    const Dim extent = types[0].dim(axis);
    if (!std::ranges::all_of(types, [&](Type t) { return t.dim(axis) == extent; })) break;
    axes.lead.push_back(extent);
  }
  for (Type t : types)
    if (!axes.has(t)) throw Refusal{fmt::format("state is {}, which lacks the lanes of the rest", t.str())};
  return axes;
}

/// Where a value's elements come from.
struct Source {
  const Buffer* kept = nullptr;    ///< scratch, [between...] or [1]
  const Buffer* memory = nullptr;  ///< a parameter of the kernel
  Value outside;                   ///< of a parameter of the step: the scan's operand, read at (prefix..., index...)
  Index prefix;
};

class LaneLoop {
 public:
  LaneLoop(const Graph& kernel, const Node& scan, Axes axes, LoopContext& context,
           const std::vector<const Buffer*>& inputs, const std::vector<const Buffer*>& outputs)
      : kernel_(kernel),
        scan_(scan),
        region_(scan.region(0)),
        parts_(scan),
        axes_(std::move(axes)),
        c_(context),
        outputs_(outputs) {
    for (size_t i = 0; i < inputs.size(); ++i) sources_[key(kernel.parameter(i))] = {.memory = inputs[i]};
  }

  Stmts write() {
    std::vector<Dim> extents = axes_.lead;
    extents.push_back(axes_.lane);
    return ops::independent_nest(c_, extents, [&](std::span<const Expr> index) {
      lead_.assign(index.begin(), index.end());
      for (size_t axis = 0; axis < lead_.size(); ++axis)
        if (extents[axis] == Dim(1)) lead_[axis] = c_.i64(0);  // as a broadcast reads it
      lane_ = lead_.back();
      lead_.pop_back();
      return at_lane();
    });
  }

 private:
  struct Rule;

  // Planning.

  void plan();
  bool is_view(Value v) const { return views_.contains(key(v)); }
  void find_views();
  void find_readers();
  /// What products read as the side that has the lanes.
  void keep_sides_of_products();
  void keep_what_is_shared();
  void compute_products_where_read();
  void find_condition();

  // Elements.

  Index full_index(std::span<const Expr> between) const {
    Index index = lead_;
    index.insert(index.end(), between.begin(), between.end());
    index.push_back(lane_);
    return index;
  }
  bool is_own(std::span<const Expr> index) const {
    return index.size() > lead_.size() && index.back() == lane_ && std::ranges::equal(index.first(lead_.size()), lead_);
  }
  Index within(const Buffer* kept, std::span<const Expr> index) const {
    if (!is_own(index)) throw Refusal{"a value is read in another lane than its own"};
    const auto between = index.subspan(lead_.size(), index.size() - lead_.size() - 1);
    return between.empty() ? Index{c_.i64(0)} : check_rank(kept, between);
  }
  static Index check_rank(const Buffer* kept, std::span<const Expr> between) {
    if (between.size() != kept->shape.size()) throw Refusal{"a value is read at an index of another rank"};
    return {between.begin(), between.end()};
  }
  Expr element(Value v, std::span<const Expr> index);

  // Statements.

  Stmts at_lane();
  Stmts step(Expr number);
  Stmts stage(const Node& node);
  const Node* fold_over(const Node& elements) const;
  Stmts stage_with_fold(const Node& node, const Node& reader);
  void keep_copy(Value v, Stmts& body);
  const Buffer* new_kept(const char* name, Value v);
  Stmts over_between(Type t, const std::function<Stmts(std::span<const Expr>)>& body);
  /// Declares what the product or fold at an index needs, and gives its value.
  Expr chain(const Node& node, std::span<const Expr> index, Stmts& body);
  /// The stores of a value at all of its places, with a product that is computed where it is read.
  using Place = std::function<std::pair<const Buffer*, Index>(const Index&)>;
  Stmts stores_of(Value v, const Place& place);
  Place in(const Buffer* kept) const {
    return [this, kept](const Index& index) { return std::pair{kept, within(kept, index)}; };
  }
  Stmts result(Value v, const Buffer* to);
  Stmts next_state();
  std::set<size_t> carries_read_by(Value v) const;

  const Graph& kernel_;
  const Node& scan_;
  const Graph& region_;  ///< of a step
  Parts parts_;
  Axes axes_;
  LoopContext& c_;
  const std::vector<const Buffer*>& outputs_;
  Index lead_;
  Expr lane_ = nullptr;

  std::vector<const Node*> nodes_;  ///< live ones of the region, in order
  std::map<const Node*, Form> forms_;
  std::set<Key> views_;
  std::map<Key, std::vector<const Node*>> readers_;
  std::set<Key> keeps_;
  std::map<const Node*, const Node*> product_in_;  ///< of a node that is kept: the product computed there
  std::set<const Node*> inlined_;                  ///< such products
  Value condition_;                                ///< of the whole step; null: it has none
  std::vector<Value> next_;                        ///< new values of the carries, under that condition

  std::map<Key, Source> sources_;
  std::map<const Node*, std::unique_ptr<Rule>> rules_;
  const Node* hero_ = nullptr;  ///< a product whose value at `hero_index_` is `hero_value_`
  Index hero_index_;
  Expr hero_value_ = nullptr;
  int64_t kept_ = 0;
  int names_ = 0;
};

/// A node's form, with operands from the writer.
struct LaneLoop::Rule final : ir::Lowering {
  LaneLoop& writer;
  std::vector<ir::ElementFn> elements;
  std::optional<ir::ReductionForm> fold;
  std::optional<ir::ContractionForm> product;
  std::optional<int> aliased;
  std::function<void(Value, std::span<const Expr>)> probe;  ///< instead of reading

  Rule(const Node& node, LaneLoop& writer) : Lowering(node, writer.c_), writer(writer) { node.op->lower.fn(*this); }
  Expr operand(int i, std::span<const Expr> index) override {
    if (!probe) return writer.element(node.operand(i), index);
    probe(node.operand(i), index);
    return context.constant(node.operand(i).dtype(), 0);
  }
  const Buffer* operand_buffer(int) override { return nullptr; }
  const Buffer* result_buffer(int) override { return nullptr; }
  void element(int result, ir::ElementFn f) override {
    if (std::ssize(elements) <= result) elements.resize(result + 1);
    elements[result] = std::move(f);
  }
  void reduction(int, ir::ReductionForm f) override { fold = std::move(f); }
  void contraction(ir::ContractionForm f) override { product = std::move(f); }
  void loops(ir::LoopsForm) override {}
  void update(ir::UpdateForm) override {}
  void alias(int operand) override { aliased = operand; }
};

// Planning.

void LaneLoop::find_views() {
  for (const Node* p : region_.parameters()) {
    const size_t at = std::ranges::find(region_.parameters(), p) - region_.parameters().begin();
    if (at < parts_.constants || at >= parts_.constants + parts_.carries) views_.insert({p, 0});
  }
  for (const Node* n : nodes_)
    if (forms_.at(n) == Form::Element && std::ranges::all_of(n->operands(), [&](Value v) { return is_view(v); }))
      for (uint32_t r = 0; r < n->result_count; ++r) views_.insert({n, r});
}

void LaneLoop::find_readers() {
  for (const Node* n : nodes_)
    for (const Value& v : n->operands()) readers_[key(v)].push_back(n);
}

void LaneLoop::keep_sides_of_products() {
  for (const Node* n : nodes_) {
    if (forms_.at(n) != Form::Contraction) continue;
    Rule& rule = *rules_.at(n);
    Index at(n->type().rank());
    for (size_t axis = 0; axis < at.size(); ++axis) at[axis] = c_.loop(c_.loop_var("p"));
    Index depth;
    for (size_t k = 0; k < rule.product->depth.size(); ++k) depth.push_back(c_.loop(c_.loop_var("p")));
    const size_t batch = rule.product->batch.size(), rows = rule.product->rows.size();
    const auto index_of = [&](size_t first, size_t count) {
      Index index(at.begin(), at.begin() + batch);
      index.insert(index.end(), at.begin() + first, at.begin() + first + count);
      index.insert(index.end(), depth.begin(), depth.end());
      return index;
    };
    const Expr lane = at.back();
    std::vector<Value> with_lane, without;
    rule.probe = [&](Value v, std::span<const Expr> index) {
      const bool moves = std::ranges::any_of(index, [&](Expr e) { return depends_on(e, lane->loop); });
      (moves ? with_lane : without).push_back(v);
    };
    rule.product->lhs(index_of(batch, rows));
    rule.product->rhs(index_of(batch + rows, at.size() - batch - rows));
    rule.probe = nullptr;
    for (const Value& v : without)
      if (!is_view(v)) throw Refusal{"a product of state by state"};
    for (const Value& v : with_lane) {
      if (!axes_.has(v.type())) throw Refusal{fmt::format("a product reads lanes of {}", v.type().str())};
      keeps_.insert(key(v));
    }
  }
}

/// What is read where it is no trouble to compute it once: a lane's numbers, and elements with several readers.
void LaneLoop::keep_what_is_shared() {
  for (const Node* n : nodes_) {
    if (is_view(n->result())) continue;
    if (forms_.at(n) != Form::Element || readers_[key(n->result())].size() > 1) keeps_.insert(key(n->result()));
  }
  // A number of the lane that is spread along what it has.
  for (const Node* n : nodes_) {
    if (n->op != &ops::kBroadcast || is_view(n->result())) continue;
    const Value from = n->operand(0);
    if (!from.node->is_parameter() && from.node->op != &ops::kBroadcast) keeps_.insert(key(from));
  }
  // Constants of the lanes: they are read in each step.
  for (size_t i = 0; i < parts_.constants; ++i)
    if (const Value p = region_.parameter(i); axes_.has(p.type()) && readers_.contains(key(p))) keeps_.insert(key(p));
}

/// Arithmetic of an instruction or two.
bool is_cheap_op(const ir::Op* op) {
  return op == &ops::kAdd || op == &ops::kSub || op == &ops::kMul || op == &ops::kNeg || op == &ops::kSelect ||
         op == &ops::kMaximum || op == &ops::kMinimum;
}

/// Whether elements of v are numbers, kept values and cheap arithmetic: a register tile's sums wait while they are
/// computed.
void LaneLoop::compute_products_where_read() {
  constexpr int kMostOps = 8;
  const auto is_result = [&](const Node* n) {
    return std::ranges::any_of(next_, [&](Value v) { return v.node == n; });
  };
  for (const Node* n : nodes_) {
    if (forms_.at(n) != Form::Contraction || is_result(n)) continue;
    const Node* at = n;
    bool is_cheap = true;
    for (int ops = 0; is_cheap; ++ops) {
      const auto& readers = readers_[key(at->result())];
      if (readers.size() != 1 || ops > kMostOps) is_cheap = false;
      if (!is_cheap) break;
      at = readers[0];
      is_cheap = is_cheap_op(at->op) && at->type() == n->type();
      for (const Value& v : at->operands())
        if (is_view(v) && v.rank() > 0) is_cheap = false;
      if (is_cheap && (keeps_.contains(key(at->result())) || is_result(at))) break;
    }
    if (!is_cheap || product_in_.contains(at)) continue;
    product_in_[at] = n;
    inlined_.insert(n);
    keeps_.erase(key(n->result()));
  }
}

/// select(c, new, old) for every carry, one c: its number for each lane.
void LaneLoop::find_condition() {
  const auto results = region_.results();
  next_.assign(results.begin(), results.begin() + parts_.carries);
  if (parts_.carries == 0 || results.size() != parts_.carries) return;
  const auto base_of = [](Value c) { return c.node->op == &ops::kBroadcast ? c.node->operand(0) : c; };
  Value common;
  std::vector<Value> inner;
  for (size_t i = 0; i < parts_.carries; ++i) {
    const Node& n = *results[i].node;
    if (n.op != &ops::kSelect || n.operand(2) != region_.parameter(parts_.constants + i)) return;
    const Value c = base_of(n.operand(0));
    if (common && c != common) return;
    common = c;
    inner.push_back(n.operand(1));
  }
  if (!axes_.has(common.type()) || !axes_.between(common.type()).empty() || !is_view(common)) return;
  condition_ = common;
  next_ = inner;
}

void LaneLoop::plan() {
  const std::vector<bool> live = ir::live_nodes(region_);
  for (const Node* n : region_.nodes()) {
    if (n->is_parameter() || !live[n->id]) continue;
    if (nodes_.size() >= kMostNodes) throw Refusal{fmt::format("it has more than {} nodes", kMostNodes)};
    if (n->op->effect != ir::Effect::None) throw Refusal{fmt::format("{} has an effect", n->op->name)};
    const Form form = form_of(*n);
    if ((form != Form::Element && form != Form::Reduction && form != Form::Contraction) || n->result_count != 1)
      throw Refusal{fmt::format("{} in a step is no element, sum or product", n->op->name)};
    nodes_.push_back(n);
    forms_[n] = form;
    rules_[n] = std::make_unique<Rule>(*n, *this);
  }
  find_views();
  find_condition();
  // The selects of a condition are no readers: what they choose is.
  if (condition_) {
    std::vector<bool> needed(region_.nodes().size());
    for (const Value& v : next_) needed[v.node->id] = true;
    needed[condition_.node->id] = true;
    for (size_t i = nodes_.size(); i-- > 0;)
      if (needed[nodes_[i]->id])
        for (const Value& v : nodes_[i]->operands()) needed[v.node->id] = true;
    std::erase_if(nodes_, [&](const Node* n) { return !needed[n->id]; });
  }
  find_readers();
  keep_sides_of_products();
  keep_what_is_shared();
  if (!std::ranges::any_of(nodes_, [&](const Node* n) { return forms_.at(n) == Form::Contraction; }))
    throw Refusal{"it has no product"};
  compute_products_where_read();
}

// Elements.

Expr LaneLoop::element(Value v, std::span<const Expr> index) {
  if (hero_ && v.node == hero_) {
    if (!std::ranges::equal(index, hero_index_)) throw Refusal{"a product is read at another index than its own"};
    return hero_value_;
  }
  if (const auto found = sources_.find(key(v)); found != sources_.end()) {
    const Source& s = found->second;
    if (s.kept) return c_.load(s.kept, within(s.kept, index));
    if (s.memory) return c_.load(s.memory, {index.begin(), index.end()});
    Index all = s.prefix;
    all.insert(all.end(), index.begin(), index.end());
    return element(s.outside, all);
  }
  if (v.node->is_parameter() || v.node == &scan_) throw Refusal{"a value is read before it is computed"};
  auto& rule = rules_[v.node];
  if (!rule) rule = std::make_unique<Rule>(*v.node, *this);  // of what stands around the scan
  if (rule->aliased) {
    const Value from = v.node->operand(*rule->aliased);
    return element(from, aliased_index(c_, v.type(), from.type(), index));
  }
  if (rule->elements.empty()) throw Refusal{fmt::format("{} is no element of its operands", v.node->op->name)};
  return rule->elements[0](index);
}

// Statements.

const Buffer* LaneLoop::new_kept(const char* name, Value v) {
  if (ir::is_half_float(v.dtype())) throw Refusal{"half floats round in memory"};
  if (!axes_.has(v.type())) throw Refusal{fmt::format("{} in a step lacks the lanes", v.type().str())};
  std::vector<Dim> shape(axes_.between(v.type()).begin(), axes_.between(v.type()).end());
  int64_t elements = 1;
  for (Dim d : shape) {
    if (!d.is_constant()) throw Refusal{fmt::format("the extents of {} are no numbers", v.type().str())};
    elements *= d.constant();
  }
  if (elements == 0) throw Refusal{"a value without elements"};
  kept_ += elements;
  if (kept_ > kMostKept) throw Refusal{fmt::format("a lane keeps more than {} elements", kMostKept)};
  if (shape.empty()) shape = {Dim(1)};
  return c_.buffer({fmt::format("{}{}", name, names_++), v.dtype(), std::move(shape), BufferKind::Scratch});
}

Stmts LaneLoop::over_between(Type t, const std::function<Stmts(std::span<const Expr>)>& body) {
  std::vector<Expr> extents;
  for (Dim d : axes_.between(t)) extents.push_back(c_.dim(d));
  if (extents.empty()) return {make_block(body({}))};
  return ops::loop_nest(c_, extents, LoopKind::Serial, body);
}

void LaneLoop::keep_copy(Value v, Stmts& body) {
  const Buffer* kept = new_kept("k", v);
  body.push_back(make_alloc(kept));
  append(body, over_between(v.type(), [&](std::span<const Expr> between) -> Stmts {
           const Index index = full_index(between);
           const Expr value = element(v, index);
           return {make_store(kept, within(kept, index), value)};
         }));
  sources_[key(v)] = {.kept = kept};
}

Expr LaneLoop::chain(const Node& node, std::span<const Expr> index, Stmts& body) {
  Rule& rule = *rules_.at(&node);
  const auto all = [](std::span<const Expr> a, std::span<const Expr> b, std::span<const Expr> d) {
    Index joined(a.begin(), a.end());
    joined.insert(joined.end(), b.begin(), b.end());
    joined.insert(joined.end(), d.begin(), d.end());
    return joined;
  };
  if (rule.fold) {
    const ir::ReductionForm& fold = *rule.fold;
    if (fold.is_last_axis_reduced) throw Refusal{"a reduction along the lanes"};
    const Local* total = c_.local("acc", {fold.identity->type.dtype, 1}, true);
    body.push_back(make_declare(total, fold.identity));
    append(body, ops::chain_nest(c_, fold.reduced, {}, kJoinBlock, total, [&](std::span<const Expr> r) -> Stmts {
             return {make_assign(total, fold.combine(c_.read(total), fold.term(all(index, r, {}))))};
           }));
    return fold.finish ? fold.finish(c_.read(total)) : c_.read(total);
  }
  const ir::ContractionForm& product = *rule.product;
  const auto placed = product.result_index(index);
  if (!std::ranges::equal(placed, index) || product.window_axes > 0) throw Refusal{"a product of another form"};
  const size_t batch = product.batch.size(), rows = product.rows.size();
  const auto b = index.subspan(0, batch), row = index.subspan(batch, rows), column = index.subspan(batch + rows);
  const DType dtype = ops::sum_dtype(node.operand(0).type(), node.type().dtype());
  if (!ir::is_float(dtype)) throw Refusal{"a product of integers"};
  const Local* acc = c_.local("acc", {dtype, 1}, true);
  body.push_back(make_declare(acc, c_.constant(dtype, 0)));
  append(body, ops::chain_nest(c_, product.depth, {}, kJoinBlock, acc, [&](std::span<const Expr> k) -> Stmts {
           return {make_assign(acc, c_.fma(product.lhs(all(b, row, k)), product.rhs(all(b, column, k)), c_.read(acc)))};
         }));
  return product.finish ? product.finish(c_.read(acc)) : c_.read(acc);
}

Stmts LaneLoop::stores_of(Value v, const Place& place) {
  return over_between(v.type(), [&](std::span<const Expr> between) {
    const Index index = full_index(between);
    Stmts body;
    const auto product = product_in_.find(v.node);
    if (product != product_in_.end() && !sources_.contains(key(v))) {
      hero_value_ = chain(*product->second, index, body);
      hero_index_ = index;
      hero_ = product->second;
    }
    const bool is_stage = !sources_.contains(key(v)) && forms_.contains(v.node) && forms_.at(v.node) != Form::Element;
    const Expr value = is_stage ? chain(*v.node, index, body) : element(v, index);
    hero_ = nullptr;
    const auto [to, at] = place(index);
    body.push_back(make_store(to, at, value));
    return body;
  });
}

/// A fold over all that a lane has of `elements`, which is made at the same time.
const Node* LaneLoop::fold_over(const Node& elements) const {
  if (forms_.at(&elements) != Form::Element || product_in_.contains(&elements)) return nullptr;
  for (const Node* reader : readers_.at(key(elements.result()))) {
    if (forms_.at(reader) != Form::Reduction || !axes_.has(reader->type())) continue;
    if (axes_.between(reader->type()).empty() && !inlined_.contains(reader)) return reader;
  }
  return nullptr;
}

Stmts LaneLoop::stage_with_fold(const Node& node, const Node& reader) {
  const Buffer *kept = new_kept("v", node.result()), *number = new_kept("v", reader.result());
  const ir::ReductionForm& fold = *rules_.at(&reader)->fold;
  if (fold.is_last_axis_reduced) throw Refusal{"a reduction along the lanes"};
  const Local* total = c_.local("acc", {fold.identity->type.dtype, 1}, true);
  Stmts inner{make_declare(total, fold.identity)};
  append(inner, ops::chain_nest(c_, fold.reduced, {}, kJoinBlock, total, [&](std::span<const Expr> r) -> Stmts {
           const Index index = full_index(r);
           const Local* one = c_.local("x", {node.type().dtype(), 1}, false);
           const Expr value = element(node.result(), index);
           hero_ = &node, hero_index_ = index, hero_value_ = c_.read(one);
           const Index lane = full_index({});
           Index at(lane.begin(), lane.end());
           at.insert(at.end(), r.begin(), r.end());
           const Expr term = fold.term(at);
           hero_ = nullptr;
           return {make_declare(one, value), make_store(kept, within(kept, index), c_.read(one)),
                   make_assign(total, fold.combine(c_.read(total), term))};
         }));
  const Expr value = fold.finish ? fold.finish(c_.read(total)) : c_.read(total);
  inner.push_back(make_store(number, {c_.i64(0)}, value));
  sources_[key(node.result())] = {.kept = kept};
  sources_[key(reader.result())] = {.kept = number};
  return {make_alloc(kept), make_alloc(number), make_block(std::move(inner))};
}

Stmts LaneLoop::stage(const Node& node) {
  if (const Node* reader = fold_over(node)) return stage_with_fold(node, *reader);
  const Buffer* kept = new_kept("v", node.result());
  Stmts body{make_alloc(kept)};
  append(body, stores_of(node.result(), in(kept)));
  sources_[key(node.result())] = {.kept = kept};
  return body;
}

std::set<size_t> LaneLoop::carries_read_by(Value v) const {
  std::set<size_t> read;
  std::set<Key> seen;
  std::vector<Value> open{v};
  while (!open.empty()) {
    const Value at = open.back();
    open.pop_back();
    if (!seen.insert(key(at)).second) continue;
    if (at.node->is_parameter()) {
      const size_t p = std::ranges::find(region_.parameters(), at.node) - region_.parameters().begin();
      if (p >= parts_.constants && p < parts_.constants + parts_.carries) read.insert(p - parts_.constants);
      continue;
    }
    if (sources_.contains(key(at))) continue;  // computed already
    open.insert(open.end(), at.node->operands().begin(), at.node->operands().end());
  }
  return read;
}

/// A carry that no other new value reads is changed where it lies; the others get theirs when all are computed.
Stmts LaneLoop::next_state() {
  Stmts body, moves;
  std::vector<std::set<size_t>> read;
  for (const Value& v : next_) read.push_back(carries_read_by(v));
  std::vector<size_t> later;
  for (size_t i = 0; i < next_.size(); ++i) {
    bool is_read = false;
    for (size_t j = 0; j < next_.size(); ++j) is_read = is_read || (i != j && read[j].contains(i));
    const Value carry = region_.parameter(parts_.constants + i);
    if (next_[i] == carry) continue;
    const Buffer* to = sources_.at(key(carry)).kept;
    if (!is_read) {
      later.push_back(i);
      continue;
    }
    const Buffer* next = new_kept("n", next_[i]);
    body.push_back(make_alloc(next));
    append(body, stores_of(next_[i], in(next)));
    append(moves, over_between(carry.type(), [&](std::span<const Expr> between) -> Stmts {
             const Index at = within(to, full_index(between));
             return {make_store(to, at, c_.load(next, at))};
           }));
  }
  for (size_t i : later) {
    const Value carry = region_.parameter(parts_.constants + i);
    append(body, stores_of(next_[i], in(sources_.at(key(carry)).kept)));
  }
  append(body, moves);
  return body;
}

Stmts LaneLoop::step(Expr number) {
  Stmts body;
  for (size_t i = parts_.constants + parts_.carries; i < region_.parameters().size(); ++i) {
    const Value p = region_.parameter(i);
    sources_[key(p)] = {.outside = scan_.operand(i), .prefix = {number}};
    if (keeps_.contains(key(p))) keep_copy(p, body);
  }
  for (const Node* n : nodes_) {
    const bool is_next = std::ranges::any_of(next_, [&](Value v) { return v.node == n; });
    if (!keeps_.contains(key(n->result())) || inlined_.contains(n) || sources_.contains(key(n->result()))) continue;
    if (is_next && readers_[key(n->result())].empty()) continue;  // stored where it goes
    append(body, stage(*n));
  }
  for (size_t r = parts_.carries; r < region_.results().size(); ++r)
    for (size_t o = 0; o < outputs_.size(); ++o)
      if (kernel_.results()[o] == scan_.result(r)) append(body, stores_of(region_.results()[r], [&](const Index& at) {
                                                            Index all{number};
                                                            all.insert(all.end(), at.begin(), at.end());
                                                            return std::pair{outputs_[o], all};
                                                          }));
  append(body, next_state());
  if (!condition_) return body;
  const Expr taken = element(condition_, full_index({}));
  return {make_if(taken, std::move(body))};
}

Stmts LaneLoop::at_lane() {
  plan();
  Stmts body;
  for (size_t i = 0; i < parts_.constants; ++i) {
    const Value p = region_.parameter(i);
    sources_[key(p)] = {.outside = scan_.operand(i)};
    if (keeps_.contains(key(p))) keep_copy(p, body);
  }
  for (size_t i = 0; i < parts_.carries; ++i) {
    const Value p = region_.parameter(parts_.constants + i);
    sources_[key(p)] = {.outside = scan_.operand(parts_.constants + i)};
    keep_copy(p, body);
  }
  const LoopVar* t = c_.loop_var("t");
  const Expr length = c_.dim(parts_.length);
  const Expr at =
      parts_.is_reverse ? c_.binary(ExprOp::Sub, c_.binary(ExprOp::Sub, length, c_.i64(1)), c_.loop(t)) : c_.loop(t);
  body.push_back(make_for(t, c_.i64(0), length, LoopKind::Serial, step(at)));
  for (size_t i = 0; i < parts_.carries; ++i)
    sources_[key(scan_.result(i))] = sources_.at(key(region_.parameter(parts_.constants + i)));
  for (size_t r = 0; r < outputs_.size(); ++r) {
    const Value v = kernel_.results()[r];
    if (v.node != &scan_ || v.index < parts_.carries) append(body, result(v, outputs_[r]));
  }
  return body;
}

/// The stores of a result of the kernel that the last state gives; it may be transposed.
Stmts LaneLoop::result(Value v, const Buffer* to) {
  std::vector<size_t> axes(v.rank());
  for (size_t a = 0; a < axes.size(); ++a) axes[a] = a;
  for (; v.node->op == &ops::kTranspose; v = v.node->operand(0)) {
    const auto perm = v.node->attrs.ints("perm");
    for (size_t& a : axes) a = static_cast<size_t>(perm[a]);
  }
  if (!axes_.has(v.type())) throw Refusal{fmt::format("a result is made of {}", v.type().str())};
  return stores_of(v, [&](const Index& at) {
    Index moved;
    for (const size_t a : axes) moved.push_back(at[a]);
    return std::pair{to, moved};
  });
}

std::vector<const Buffer*> parameter_buffers(LoopContext& c, std::span<const Type> types, BufferKind kind) {
  std::vector<const Buffer*> buffers;
  for (Type t : types) buffers.push_back(c.buffer({"p", t.dtype(), {t.shape().begin(), t.shape().end()}, kind}));
  return buffers;
}

/// The loop with as many leading axes as can be.
Stmts written(const Graph& kernel, LoopContext& context, const std::vector<const Buffer*>& inputs,
              const std::vector<const Buffer*>& outputs) {
  const Node* scan = nullptr;
  for (const Node* n : kernel.nodes())
    if (n->op == &ops::kScan) scan = n;
  if (!scan) throw Refusal{"it has no scan"};
  for (Axes axes = widest_axes(*scan);; axes.lead.pop_back()) {
    try {
      return LaneLoop(kernel, *scan, axes, context, inputs, outputs).write();
    } catch (const Refusal&) {
      if (axes.lead.empty()) throw;
    }
  }
}

}  // namespace

std::string lane_loop_refusal(const Graph& kernel) {
  LoopContext context;
  std::vector<Type> parameters, results;
  for (const Node* p : kernel.parameters()) parameters.push_back(p->type());
  for (const Value& v : kernel.results()) results.push_back(v.type());
  try {
    written(kernel, context, parameter_buffers(context, parameters, BufferKind::Input),
            parameter_buffers(context, results, BufferKind::Output));
  } catch (const Refusal& refusal) {
    return refusal.why;
  }
  return "";
}

Stmts lane_loop(const Graph& kernel, LoopContext& context, const std::vector<const Buffer*>& inputs,
                const std::vector<const Buffer*>& outputs) {
  return written(kernel, context, inputs, outputs);
}

}  // namespace strata::compiler
