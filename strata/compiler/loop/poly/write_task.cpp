#include "strata/compiler/loop/poly/write_task.h"

#include <fmt/format.h>
#include <isl/ast.h>
#include <isl/ast_build.h>

#include <algorithm>
#include <optional>

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler::poly {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

constexpr const char* kFullTile = "full_tile";

/// isl asks this for each loop that it begins: is one iteration of it needed by another?
struct LoopMarker {
  const isl::union_map& dependences;

  isl::id mark(const isl::ast_build& build) const {
    const isl::union_map time = build.schedule();
    const isl::union_map pairs = dependences.apply_domain(time).apply_range(time);
    bool is_parallel = true;
    pairs.foreach_map([&](const isl::map& map) {
      const size_t last = map.range_tuple_dim() - 1;
      std::string same = "1 = 1";
      for (size_t i = 0; i < last; ++i) same += fmt::format(" and a{0} = b{0}", i);
      const isl::map carried(map.ctx(), fmt::format("{{ [{}] -> [{}] : {} and a{} != b{} }}", names("a", last + 1),
                                                    names("b", last + 1), same, last, last));
      is_parallel &= map.is_disjoint(carried);
    });
    return isl::id(dependences.ctx(), is_parallel ? "parallel" : "serial");
  }

  /// Null, the way in which isl is told of an error, stops it.
  static isl_id* begin(isl_ast_build* build, void* self) {
    try {
      return static_cast<LoopMarker*>(self)->mark(isl::manage_copy(build)).release();
    } catch (const isl::exception&) {
      return nullptr;
    }
  }
};

/// By how much an index grows with a variable, if that is a constant.
std::optional<int64_t> growth(Expr e, const LoopVar* var) {
  if (!depends_on(e, var)) return 0;
  if (e->op == ExprOp::Loop) return 1;
  if (e->arg_count != 2) return std::nullopt;
  const auto a = growth(e->args[0], var), b = growth(e->args[1], var);
  if (!a || !b) return std::nullopt;
  if (e->op == ExprOp::Add) return *a + *b;
  if (e->op == ExprOp::Sub) return *a - *b;
  if (e->op != ExprOp::Mul) return std::nullopt;
  if (const auto factor = constant_value(e->args[1])) return *a * *factor;
  if (const auto factor = constant_value(e->args[0])) return *b * *factor;
  return std::nullopt;
}

/// Whether neighbouring iterations take neighbouring elements, or all the same.
bool is_in_line(std::span<const Expr> indices, const LoopVar* var, bool may_stay) {
  for (size_t i = 0; i < indices.size(); ++i) {
    const auto grows = growth(indices[i], var);
    const bool is_last = i + 1 == indices.size();
    if (!grows || *grows < 0 || *grows > (is_last ? 1 : 0)) return false;
    if (is_last && *grows == 0 && !may_stay) return false;
  }
  return !indices.empty();
}

class TaskWriter {
 public:
  TaskWriter(const TaskWriting& writing, const IslSession& isl)
      : w_(writing), c_(writing.context), isl_(isl), expressions_(writing.parameters) {}

  Stmts write() {
    LoopMarker marker{w_.dependences};
    isl::ast_build build = build_of(w_.part);
    build = isl::manage(isl_ast_build_set_before_each_for(build.release(), LoopMarker::begin, &marker));
    return node(build.node_from_schedule_map(times()));
  }

 private:
  /// iteration -> time, with full tiles apart.
  isl::union_map times() const {
    const isl::union_map all = w_.phase.time.intersect_domain(domain_of_tile(w_.part, w_.phase, isl_));
    if (!w_.register_tile) return all;
    const size_t tiles = w_.phase.time_tiles, size = w_.phase.time_size;
    const auto with = [&](const char* number) {
      std::string to = names("a", tiles) + (tiles ? ", " : "") + number;
      for (size_t i = tiles; i < size; ++i) to += fmt::format(", a{}", i);
      return isl_.union_map(fmt::format("{{ [{}] -> [{}] }}", names("a", size), to));
    };
    const RegisterTile& tile = *w_.register_tile;
    const isl::map renamed = w_.part.statements[tile.statement].domain.identity().set_range_tuple(kFullTile);
    const isl::union_map full =
        all.intersect_domain(tile.origins).apply_range(with("0")).apply_domain(isl::union_map(renamed));
    return full.unite(all.subtract_domain(tile.full).apply_range(with("1"))).coalesce();
  }

  // isl's tree.

  Stmts node(const isl::ast_node& n) {
    if (n.isa<isl::ast_node_block>()) {
      Stmts made;
      const isl::ast_node_list children = n.as<isl::ast_node_block>().children();
      for (unsigned i = 0; i < children.size(); ++i)
        for (StmtPtr& stmt : node(children.at(static_cast<int>(i)))) made.push_back(std::move(stmt));
      return made;
    }
    if (n.isa<isl::ast_node_if>()) {
      const auto branch = n.as<isl::ast_node_if>();
      const Expr condition = expressions_.condition(branch.cond());
      const Stmts then = node(branch.then_node());
      return {make_if(condition, then, branch.has_else_node() ? node(branch.else_node()) : Stmts{})};
    }
    if (n.isa<isl::ast_node_for>()) return loop(n.as<isl::ast_node_for>());
    if (n.isa<isl::ast_node_mark>()) return node(n.as<isl::ast_node_mark>().node());
    return instance(n.as<isl::ast_node_user>().expr().as<isl::ast_expr_op>());
  }

  Stmts loop(const isl::ast_node_for& n) {
    const std::string name = n.iterator().as<isl::ast_expr_id>().id().name();
    const Expr begin = expressions_(n.init());
    if (n.is_degenerate()) {
      expressions_.bind(name, begin);
      return node(n.body());
    }
    const LoopVar* var = c_.loop_var(name);
    expressions_.bind(name, c_.loop(var));
    // The condition is `iterator <= bound`, or `<`.
    const auto condition = n.cond().as<isl::ast_expr_op>();
    Expr end = expressions_(condition.arg(1));
    if (condition.isa<isl::ast_expr_op_le>()) end = c_.binary(ExprOp::Add, end, c_.i64(1));
    const int64_t step = n.inc().as<isl::ast_expr_int>().val().num_si();
    const isl::id mark = isl::manage(isl_ast_node_get_annotation(n.get()));
    Stmts body = node(n.body());
    if (step == 1 && mark.name() == "parallel" && has_vectors(var, body)) return vectors(var, begin, end, body);
    return {make_for(var, begin, end, LoopKind::Serial, std::move(body), step)};
  }

  // Statements.

  Stmts instance(const isl::ast_expr_op& call) {
    const std::string name = call.arg(0).as<isl::ast_expr_id>().id().name();
    std::vector<Expr> at;
    for (unsigned i = 1; i < call.n_arg(); ++i) at.push_back(expressions_(call.arg(static_cast<int>(i))));
    if (name == kFullTile) return write_register_tile(c_, w_.part, w_.phase, *w_.register_tile, at);
    const Statement& statement = w_.part.statement(name);
    std::map<const LoopVar*, Expr> loops;
    for (size_t i = 0; i < at.size(); ++i) loops[statement.loops[i]] = at[i];
    ExprRewriter rewriter(c_, [&](Expr e) { return moved(e, loops, rewriter_); });
    rewriter_ = &rewriter;
    const Stmt& stmt = *statement.stmt;
    const Expr value = rewriter(stmt.value);
    std::vector<Expr> indices;
    for (const Expr index : stmt.indices) indices.push_back(rewriter(index));
    const int array = stmt.kind == StmtKind::Store ? w_.part.array_of(stmt.buffer) : w_.part.array_of(stmt.local);
    if (!w_.part.arrays[array].is_private) return {make_store(stmt.buffer, indices, value, rewriter(stmt.mask))};
    const PrivateBuffer& to = w_.private_buffers.at(array);
    return {make_store(to.buffer, element(to, loops, indices), value, rewriter(stmt.mask))};
  }

  /// Loop variables where they are now, private arrays where they lie now.
  Expr moved(Expr e, const std::map<const LoopVar*, Expr>& loops, ExprRewriter* rewriter) {
    if (e->op == ExprOp::Loop) return loops.at(e->loop);
    if (e->op != ExprOp::Read && e->op != ExprOp::Load) return nullptr;
    const int array = e->op == ExprOp::Read ? w_.part.array_of(e->local) : w_.part.array_of(e->buffer);
    if (!w_.part.arrays[array].is_private) return nullptr;
    std::vector<Expr> indices;
    for (int i = 0; i < e->arg_count; ++i) indices.push_back((*rewriter)(e->args[i]));
    const PrivateBuffer& from = w_.private_buffers.at(array);
    return c_.load(from.buffer, element(from, loops, indices));
  }

  std::vector<Expr> element(const PrivateBuffer& of, const std::map<const LoopVar*, Expr>& loops,
                            const std::vector<Expr>& indices) {
    std::vector<Expr> all;
    for (const LoopVar* var : w_.part.arrays[of.folded->array].expanded) all.push_back(loops.at(var));
    all.insert(all.end(), indices.begin(), indices.end());
    for (size_t i = 0; i < all.size(); ++i) {
      const FoldedAxis& axis = of.folded->axes[i];
      if (axis.lowest) all[i] = axis.extent == 1 ? c_.i64(0) : c_.binary(ExprOp::Sub, all[i], of.lowest[i]);
      if (axis.kind == FoldedAxis::Modulo)
        all[i] = axis.extent == 1 ? c_.i64(0) : c_.binary(ExprOp::FloorMod, all[i], c_.i64(axis.extent));
    }
    return all;
  }

  // Vectors.

  /// Stores only, each element after its neighbour; what they load lies in line, too.
  bool has_vectors(const LoopVar* var, const Stmts& body) const {
    if (w_.lanes < 2) return false;
    return std::ranges::all_of(body, [&](const StmtPtr& stmt) {
      if (stmt->kind != StmtKind::Store || stmt->mask || !is_in_line(stmt->indices, var, false)) return false;
      return !any_node(stmt->value, [&](Expr e) {
        return e->op == ExprOp::Load && !is_in_line({e->args, e->arg_count}, var, true);
      });
    });
  }

  int lanes_of(const Stmts& body) const {
    int64_t widest = 4;
    for (const StmtPtr& stmt : body) {
      widest = std::max(widest, ir::dtype_bytes(stmt->buffer->dtype));
      for (const Expr load : collect_loads(stmt->value)) widest = std::max(widest, ir::dtype_bytes(load->type.dtype));
    }
    return static_cast<int>(std::max<int64_t>(1, w_.lanes * 4 / widest));
  }

  /// No iteration writes what another one reads, so what all of them read is read once, if there is one at all.
  Stmts vectors(const LoopVar* var, Expr begin, Expr end, const Stmts& body) {
    Stmts before;
    ExprRewriter once(c_, [&](Expr e) -> Expr {
      if (e->op != ExprOp::Load || depends_on(e, var)) return nullptr;
      const Local* local = c_.local(fmt::format("h{}", before.size()), e->type, false);
      before.push_back(make_declare(local, e));
      return c_.read(local);
    });
    Stmts inside;
    for (const StmtPtr& stmt : body) {
      Stmt next = *stmt;
      next.value = once(stmt->value);
      inside.push_back(std::make_shared<const Stmt>(std::move(next)));
    }
    const Expr ordered = c_.binary(ExprOp::Max, begin, end);  // what isl gives may run from 14 to 5
    Stmts loops = innermost_loop(c_, var, begin, ordered, halved_widths(lanes_of(body)), inside);
    if (before.empty()) return loops;
    before.insert(before.end(), loops.begin(), loops.end());
    return {make_if(c_.binary(ExprOp::Lt, begin, end), std::move(before))};
  }

  const TaskWriting& w_;
  LoopContext& c_;
  const IslSession& isl_;
  AstExpressions expressions_;
  ExprRewriter* rewriter_ = nullptr;
};

}  // namespace

isl::ast_build build_of(const ControlPart& part) { return isl::ast_build::from_context(part.context); }

Stmts write_task(const TaskWriting& writing, const IslSession& isl) { return TaskWriter(writing, isl).write(); }

}  // namespace strata::compiler::poly
