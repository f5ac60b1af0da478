#include "strata/compiler/loop/contraction.h"

#include <algorithm>

#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

Dim LoopGroup::extent() const {
  Dim total = 1;
  for (const NestLoop& loop : loops) total = total * loop.extent;
  return total;
}

Expr Contraction::step(LoopContext& c, Expr row, Expr column, Expr sum) const {
  return is_float ? c.fma(row, column, sum) : c.binary(ExprOp::Add, c.binary(ExprOp::Mul, row, column), sum);
}

void Contraction::transpose() {
  std::swap(rows, columns);
  std::swap(rows_operand, columns_operand);
}

namespace {

bool is_read_of(Expr e, const Local* local) { return e->op == ExprOp::Read && e->local == local; }

/// lhs and rhs of acc = lhs * rhs + acc.
bool read_step(Contraction& found, Expr value, DType dtype) {
  found.is_float = ir::is_float(dtype);
  if (found.is_float) {
    if (value->op != ExprOp::Fma || !is_read_of(value->args[2], found.accumulator)) return false;
    found.rows_operand = value->args[0];
    found.columns_operand = value->args[1];
  } else {
    if (value->op != ExprOp::Add) return false;
    const bool sum_last = is_read_of(value->args[1], found.accumulator);
    const Expr product = value->args[sum_last ? 0 : 1];
    if (product->op != ExprOp::Mul || !is_read_of(value->args[sum_last ? 1 : 0], found.accumulator)) return false;
    found.rows_operand = product->args[0];
    found.columns_operand = product->args[1];
  }
  return !depends_on(found.rows_operand, found.accumulator) && !depends_on(found.columns_operand, found.accumulator);
}

/// Of the depth of a nest that begins with the loop `head`; empty if it is one long chain of floats.
std::optional<DepthBlocks> read_blocks(const Contraction& k, const Stmt& head) {
  DepthBlocks blocks;
  const Dim depth = k.depth.extent();
  const bool is_short = depth.is_constant() && depth.constant() <= kJoinBlock;
  if (is_short && !head.block) {
    blocks.terms = depth.constant();
    return blocks;
  }
  if (!head.block && k.is_float) return std::nullopt;
  const int64_t most = head.block ? head.block : kJoinBlock;
  const size_t loops = k.depth.loops.size(), inner_loops = head.block ? static_cast<size_t>(head.inner_loops) : 0;
  if (head.block && static_cast<size_t>(head.outer_loops) + inner_loops != loops) return std::nullopt;
  LoopGroup outer{{k.depth.loops.begin(), k.depth.loops.end() - static_cast<int64_t>(inner_loops)}};
  LoopGroup inner{{k.depth.loops.end() - static_cast<int64_t>(inner_loops), k.depth.loops.end()}};
  const Dim window = inner.extent();
  if (window.is_constant() && window.constant() >= 1 && window.constant() <= most) {
    blocks.kind = DepthBlocks::Kind::Even;
    blocks.terms = most / window.constant() * window.constant();
    blocks.count = ir::ceil_div(depth, blocks.terms);
    return blocks;
  }
  blocks.kind = DepthBlocks::Kind::Pieces;
  blocks.terms = most;
  blocks.steps = outer.extent();
  blocks.inner = window;
  blocks.steps_per_block = ir::max(Dim(1), ir::floor_div(Dim(most), ir::max(Dim(1), window)));
  blocks.pieces_per_step = ir::ceil_div(window, Dim(most));
  blocks.count = ir::ceil_div(blocks.steps, blocks.steps_per_block) * blocks.pieces_per_step;
  return blocks;
}

}  // namespace

std::optional<Contraction> read_contraction(const Nest& nest, const ir::Facts& facts) {
  if (nest.body.size() < 3 || nest.body[0]->kind != StmtKind::Declare || !nest.body[0]->local->is_mutable)
    return std::nullopt;
  Contraction found;
  found.accumulator = nest.body[0]->local;
  found.start = nest.body[0]->value;
  if (found.start->op != ExprOp::Constant) return std::nullopt;
  const Stmt* at = nest.body[1].get();
  for (;;) {
    if (at->kind == StmtKind::Assign) break;
    const auto extent = loop_extent(*at, facts);
    if (!extent || at->body.size() != 1) return std::nullopt;
    found.depth.loops.push_back({at->loop, *extent});
    at = at->body[0].get();
  }
  if (at->local != found.accumulator || !read_step(found, at->value, found.accumulator->type.dtype))
    return std::nullopt;
  const auto blocks = read_blocks(found, *nest.body[1]);
  if (!blocks) return std::nullopt;
  found.blocks = *blocks;
  found.epilogue.assign(nest.body.begin() + 2, nest.body.end());
  for (const StmtPtr& stmt : found.epilogue)
    if (stmt->kind != StmtKind::Store || stmt->mask) return std::nullopt;
  for (const NestLoop& loop : nest.loops) {
    const bool in_rows = depends_on(found.rows_operand, loop.var),
               in_columns = depends_on(found.columns_operand, loop.var);
    (in_rows == in_columns ? found.batch : in_rows ? found.rows : found.columns).loops.push_back(loop);
  }
  return found;
}

Expr replaced(LoopContext& c, const ir::Facts& facts, Expr e, const Substitution& with) {
  LinearIndices indices(c, facts);
  const Expr made = substitute(c, e, with);
  if (made->type == ScalarType{DType::i64, 1} && !reads_memory(made)) return indices.expr(indices.of(made));
  return indices.simplify(made);
}

namespace {

/// Each loop's value at a flat index, as quotients and remainders.
void decode(LoopContext& c, const LoopGroup& group, Expr flat, size_t count, std::vector<Expr>& values) {
  values.assign(count, nullptr);
  for (size_t i = count; i-- > 0;) {
    const Expr extent = c.dim(group.loops[i].extent);
    values[i] = i == 0 ? flat : c.binary(ExprOp::FloorMod, flat, extent);
    flat = c.binary(ExprOp::FloorDiv, flat, extent);
  }
}

}  // namespace

GroupIndex::GroupIndex(LoopContext& context, const ir::Facts& facts, const LoopGroup& group, std::span<const Expr> uses)
    : c_(context), group_(group) {
  if (group.loops.size() < 2) return;
  const LoopVar* flat = c_.loop_var("f");
  std::vector<Expr> values;
  decode(c_, group, c_.loop(flat), group.loops.size(), values);
  Substitution with;
  for (size_t i = 0; i < values.size(); ++i) with.loops[group.loops[i].var] = values[i];
  for (Expr use : uses)
    is_linear_ = is_linear_ && !any_node(replaced(c_, facts, use, with), [&](Expr e) {
                   return (e->op == ExprOp::FloorDiv || e->op == ExprOp::FloorMod) && depends_on(e, flat);
                 });
}

Stmts GroupIndex::at(Expr flat, Substitution& with) const {
  std::vector<Expr> values;
  decode(c_, group_, flat, group_.loops.size(), values);
  Stmts stmts;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!is_linear_) {
      const Local* local = c_.local(group_.loops[i].var->name, {DType::i64, 1}, false);
      stmts.push_back(make_declare(local, values[i]));
      values[i] = c_.read(local);
    }
    with.loops[group_.loops[i].var] = values[i];
  }
  return stmts;
}

Stmts GroupIndex::runs(Expr low, Expr high, const RunBody& body) const {
  const LoopVar* u = c_.loop_var("u");
  Substitution with;
  std::vector<Expr> values;
  if (is_linear_) {
    decode(c_, group_, c_.loop(u), group_.loops.size(), values);
    for (size_t i = 0; i < values.size(); ++i) with.loops[group_.loops[i].var] = values[i];
    return body(u, low, high, c_.loop(u), with);
  }
  const LoopVar* run = c_.loop_var("run");
  const size_t outer = group_.loops.size() - 1;
  const Expr length = c_.dim(group_.loops.back().extent);
  const Expr first = c_.binary(ExprOp::FloorDiv, low, length);
  const Expr last =
      c_.binary(ExprOp::Add, c_.binary(ExprOp::FloorDiv, c_.binary(ExprOp::Sub, high, c_.i64(1)), length), c_.i64(1));
  Stmts stmts;
  decode(c_, group_, c_.loop(run), outer, values);
  const auto bind = [&](const char* name, Expr value) {
    const Local* local = c_.local(name, {DType::i64, 1}, false);
    stmts.push_back(make_declare(local, value));
    return c_.read(local);
  };
  for (size_t i = 0; i < outer; ++i)
    with.loops[group_.loops[i].var] = bind(group_.loops[i].var->name.c_str(), values[i]);
  with.loops[group_.loops.back().var] = c_.loop(u);
  const Expr start = bind("start", c_.binary(ExprOp::Mul, c_.loop(run), length));
  const Expr from = bind("from", c_.binary(ExprOp::Max, c_.i64(0), c_.binary(ExprOp::Sub, low, start)));
  const Expr to = bind("to", c_.binary(ExprOp::Min, length, c_.binary(ExprOp::Sub, high, start)));
  const Stmts inner = body(u, from, to, c_.binary(ExprOp::Add, start, c_.loop(u)), with);
  stmts.insert(stmts.end(), inner.begin(), inner.end());
  return {make_for(run, first, last, LoopKind::Serial, std::move(stmts))};
}

}  // namespace strata::compiler
