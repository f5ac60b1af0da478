#include "strata/compiler/loop/nest/nest.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

void enter_all(LinearIndices& indices, std::span<const StmtPtr> stmts) {
  for (const StmtPtr& stmt : stmts) {
    if (stmt->kind == StmtKind::For) indices.enter_loop(stmt->loop, stmt->begin, stmt->end);
    enter_all(indices, stmt->body);
    enter_all(indices, stmt->otherwise);
  }
}

/// Rewrites loads and stores of some buffers to one flat index.
class Flattener {
 public:
  Flattener(LoopContext& context, LinearIndices& indices)
      : c_(context), indices_(indices), rewriter_(context, [this](Expr e) { return replace(e); }) {}

  const Buffer* flat(const Buffer* buffer) {
    const Buffer*& made = flat_[buffer];
    if (!made) {
      Buffer description = *buffer;
      description.shape = {ir::product(buffer->shape)};
      made = buffer->shape.size() == 1 ? buffer : c_.buffer(description);
    }
    return made;
  }

  Stmts operator()(std::span<const StmtPtr> stmts) {
    const Stmts mapped = map_exprs(stmts, [this](Expr e) { return indices_.simplify(rewriter_(e)); });
    return map_stmts(mapped, [this](const StmtPtr& stmt) -> std::optional<Stmts> {
      if (stmt->kind != StmtKind::Store || !flat_.contains(stmt->buffer)) return std::nullopt;
      return Stmts{make_store(flat_.at(stmt->buffer), {offset(stmt->buffer, stmt->indices)}, stmt->value, stmt->mask)};
    });
  }

 private:
  Expr replace(Expr e) {
    if (e->op != ExprOp::Load || !flat_.contains(e->buffer)) return nullptr;
    std::vector<Expr> at(e->args, e->args + e->arg_count);
    for (Expr& index : at) index = rewriter_(index);
    return c_.load(flat_.at(e->buffer), {offset(e->buffer, at)});
  }

  Expr offset(const Buffer* buffer, std::span<const Expr> at) {
    LinearIndex sum;
    for (size_t axis = 0; axis < at.size(); ++axis)
      sum =
          indices_.plus(std::move(sum), indices_.of(at[axis]), ir::product(std::span(buffer->shape).subspan(axis + 1)));
    return indices_.expr(sum);
  }

  LoopContext& c_;
  LinearIndices& indices_;
  std::unordered_map<const Buffer*, const Buffer*> flat_;
  ExprRewriter rewriter_;
};

}  // namespace

std::optional<Dim> loop_extent(const Stmt& loop, const ir::Facts&) {
  if (loop.kind != StmtKind::For || loop.step != 1 || constant_value(loop.begin) != 0) return std::nullopt;
  static const ir::Facts none;
  LoopContext scratch;
  LinearIndices indices(scratch, none);
  // Only dimensions and arithmetic of dimensions have a form without terms.
  const LinearIndex end = indices.of(loop.end);
  return end.is_constant() ? std::optional(end.constant) : std::nullopt;
}

namespace {

bool has_loop(std::span<const StmtPtr> body) {
  return std::ranges::any_of(body, [](const StmtPtr& s) { return s->kind == StmtKind::For; });
}

/// Sums with something behind each row of them: the loops over a row's elements become the nest's own.
void take_rows_apart(Nest& nest, const ir::Facts& facts) {
  if (nest.body.size() < 2 || nest.body[0]->kind != StmtKind::For) return;
  std::vector<NestLoop> elements;
  const Stmt* at = nest.body[0].get();
  for (;; at = at->body[0].get()) {
    const auto extent = loop_extent(*at, facts);
    if (!extent) return;
    elements.push_back({at->loop, *extent});
    if (at->loop_kind == LoopKind::Vector) break;
    if (at->body.size() != 1 || at->body[0]->kind != StmtKind::For) return;
  }
  const bool are_sums = at->body.size() > 2 && at->body[0]->kind == StmtKind::Declare && has_loop(at->body);
  if (!are_sums) return;
  RowsBehind behind{nest.loops, Dim(1), {nest.body.begin() + 1, nest.body.end()}};
  for (const NestLoop& loop : elements) behind.length = behind.length * loop.extent;
  const Stmts body = at->body;  // a part of what is replaced
  nest.loops.insert(nest.loops.end(), elements.begin(), elements.end());
  nest.body = body;
  nest.behind = std::make_shared<const RowsBehind>(std::move(behind));
}

}  // namespace

std::optional<Nest> read_nest(const Kernel& kernel) {
  Nest nest;
  nest.body = kernel.body;
  if (kernel.body.size() != 1 || kernel.body[0]->loop_kind != LoopKind::Parallel) return nest;
  std::vector<const Stmt*> loops{kernel.body[0].get()};
  for (const Stmt* at = loops[0]; at->loop_kind != LoopKind::Vector;) {
    if (at->body.size() != 1 || at->body[0]->kind != StmtKind::For) break;
    at = at->body[0].get();
    loops.push_back(at);
  }
  if (loops.back()->loop_kind != LoopKind::Vector) loops.resize(1);
  for (const Stmt* loop : loops) {
    const auto extent = loop_extent(*loop, kernel.facts);
    if (!extent) return std::nullopt;
    nest.loops.push_back({loop->loop, *extent});
  }
  nest.body = loops.back()->body;
  take_rows_apart(nest, kernel.facts);
  return nest;
}

Kernel flatten_buffers(const Kernel& kernel) {
  LoopContext& c = *kernel.context;
  LinearIndices indices(c, kernel.facts);
  enter_all(indices, kernel.body);
  Flattener flatten(c, indices);
  Kernel flat = kernel;
  for (const Buffer*& param : flat.params) param = flatten.flat(param);
  flat.body = flatten(kernel.body);
  return flat;
}

std::optional<FlatNest> flat_nest(const Kernel& naive) {
  bool branches = false;
  for_each_stmt(naive.body, [&](const Stmt& stmt) {
    branches = branches || stmt.kind == StmtKind::While || stmt.kind == StmtKind::If || stmt.kind == StmtKind::Check;
  });
  if (branches) return std::nullopt;
  Kernel flat = flatten_buffers(naive);
  auto nest = read_nest(flat);
  if (!nest) return std::nullopt;
  simplify_nest(*nest, *flat.context, flat.facts);
  return FlatNest{std::move(flat), std::move(*nest)};
}

LinearIndices indices_of(const Nest& nest, LoopContext& context, const ir::Facts& facts) {
  LinearIndices indices(context, facts);
  for (const NestLoop& loop : nest.loops) indices.enter_loop(loop.var, context.i64(0), context.dim(loop.extent));
  enter_all(indices, nest.body);
  return indices;
}

namespace {

bool is_index_value(Expr e) { return e->type == ScalarType{DType::i64, 1} && !reads_memory(e); }

/// Calls f with each maximal index expression: indices of loads and stores, and i64 values made of loops.
void for_each_index(std::span<const StmtPtr> stmts, const std::function<void(Expr)>& f) {
  std::unordered_set<Expr> seen;
  std::function<void(Expr)> visit = [&](Expr e) {
    if (!seen.insert(e).second) return;
    if (is_index_value(e)) return f(e);
    if (e->type == ScalarType{DType::i64, 1} && e->op != ExprOp::Load) f(e);
    for (int i = 0; i < e->arg_count; ++i) visit(e->args[i]);
  };
  for_each_stmt(stmts, [&](const Stmt& stmt) { for_each_expr(stmt, visit); });
}

/// Whether a (outer) and b run as one loop through every index: a's coefficient is b's times b's extent.
bool run_as_one(const Nest& nest, LinearIndices& indices, LoopContext& c, const NestLoop& a, const NestLoop& b) {
  bool joined = true;
  for_each_index(nest.body, [&](Expr e) {
    if (!joined || (!depends_on(e, a.var) && !depends_on(e, b.var))) return;
    const LinearIndex form = indices.of(e);
    const Expr at_a = c.loop(a.var), at_b = c.loop(b.var);
    joined = form.coefficient(at_a) == form.coefficient(at_b) * b.extent;
    for (const auto& [atom, coefficient] : form.terms)
      if (atom != at_a && atom != at_b) joined &= !depends_on(atom, a.var) && !depends_on(atom, b.var);
  });
  return joined;
}

/// The smallest divisor of a loop's variable that divides its extent.
std::optional<Dim> divisor_of(const Nest& nest, LinearIndices& indices, const NestLoop& loop) {
  std::optional<Dim> smallest;
  for_each_index(nest.body, [&](Expr index) {
    for_each_node(index, [&](Expr e) {
      if (e->op != ExprOp::FloorDiv && e->op != ExprOp::FloorMod) return;
      if (e->args[0]->op != ExprOp::Loop || e->args[0]->loop != loop.var) return;
      const LinearIndex by = indices.of(e->args[1]);
      if (!by.is_constant() || by.constant == loop.extent || !exact_quotient(loop.extent, by.constant)) return;
      if (!smallest || exact_quotient(*smallest, by.constant)) smallest = by.constant;
    });
  });
  return smallest;
}

void replace_loops(Nest& nest, LoopContext& c, const ir::Facts& facts, const Substitution& with) {
  nest.body = substitute(c, nest.body, with);
  LinearIndices indices = indices_of(nest, c, facts);
  nest.body = map_exprs(nest.body,
                        [&](Expr e) { return is_index_value(e) ? indices.expr(indices.of(e)) : indices.simplify(e); });
}

bool split_one(Nest& nest, LoopContext& c, const ir::Facts& facts, std::vector<std::string>& notes) {
  LinearIndices indices = indices_of(nest, c, facts);
  for (size_t i = 0; i < nest.loops.size(); ++i) {
    const NestLoop loop = nest.loops[i];
    const auto by = divisor_of(nest, indices, loop);
    if (!by) continue;
    const LoopVar *outer = c.loop_var(loop.var->name + "o"), *inner = c.loop_var(loop.var->name + "i");
    nest.loops[i] = {inner, *by};
    nest.loops.insert(nest.loops.begin() + i, {outer, *exact_quotient(loop.extent, *by)});
    Substitution with;
    with.loops[loop.var] = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, c.loop(outer), c.dim(*by)), c.loop(inner));
    replace_loops(nest, c, facts, with);
    notes.push_back("split " + loop.var->name + " by " + by->str() + ": indices divide by it");
    return true;
  }
  return false;
}

bool join_one(Nest& nest, LoopContext& c, const ir::Facts& facts, std::vector<std::string>& notes) {
  LinearIndices indices = indices_of(nest, c, facts);
  for (size_t i = 0; i + 1 < nest.loops.size(); ++i) {
    const NestLoop a = nest.loops[i], b = nest.loops[i + 1];
    if (!run_as_one(nest, indices, c, a, b)) continue;
    const LoopVar* both = c.loop_var(a.var->name + b.var->name);
    nest.loops[i] = {both, a.extent * b.extent};
    nest.loops.erase(nest.loops.begin() + static_cast<int64_t>(i) + 1);
    Substitution with;
    with.loops[a.var] = c.i64(0);
    with.loops[b.var] = c.loop(both);
    replace_loops(nest, c, facts, with);
    notes.push_back("join " + a.var->name + ", " + b.var->name);
    return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> simplify_nest(Nest& nest, LoopContext& c, const ir::Facts& facts) {
  std::vector<std::string> notes;
  Substitution gone;
  for (const NestLoop& loop : nest.loops)
    if (loop.extent == Dim(1)) gone.loops[loop.var] = c.i64(0);
  std::erase_if(nest.loops, [](const NestLoop& loop) { return loop.extent == Dim(1); });
  if (!gone.loops.empty()) replace_loops(nest, c, facts, gone);
  constexpr size_t most_loops = 12;
  while (nest.loops.size() < most_loops && split_one(nest, c, facts, notes)) continue;
  if (nest.loops.size() >= most_loops)
    notes.push_back(fmt::format("no loop is split further: {} are the most", most_loops));
  while (join_one(nest, c, facts, notes)) continue;
  return notes;
}

}  // namespace strata::compiler
