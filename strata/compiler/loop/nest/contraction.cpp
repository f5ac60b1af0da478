#include "strata/compiler/loop/nest/contraction.h"

#include <algorithm>

#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

int64_t sum_planes(const DepthBlocks& blocks) {
  const std::optional<int64_t> count =
      blocks.count.is_constant() ? std::optional(blocks.count.constant()) : std::nullopt;
  return std::max(1, partial_results(count));
}

Expr Contraction::step(LoopContext& c, Expr row, Expr column, Expr sum) const {
  if (group == 2) return c.group_dot(ExprOp::Dot2, row, column, sum);
  if (group == 4)  // whose first factor is the unsigned one
    return row->type.dtype == DType::u8 ? c.group_dot(ExprOp::Dot4, row, column, sum)
                                        : c.group_dot(ExprOp::Dot4, column, row, sum);
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

namespace {

/// What is converted to the type of the sums.
Expr inside_of_cast(Expr e) { return e->op == ExprOp::Cast ? e->args[0] : e; }

/// Chains of floats are part of what the product means; groups have to fit into them.
bool cuts_no_group(const Contraction& k) {
  return !k.is_float || k.blocks.kind == DepthBlocks::Kind::One ||
         (k.blocks.kind == DepthBlocks::Kind::Even && k.blocks.terms % k.group == 0);
}

}  // namespace

std::optional<Contraction> in_groups(const Contraction& k, int group, LoopContext& c) {
  Contraction made = k;
  made.group = group;
  const Expr rows = inside_of_cast(k.rows_operand), columns = inside_of_cast(k.columns_operand);
  const DType a = rows->type.dtype, b = columns->type.dtype, sum = k.accumulator->type.dtype;
  const auto fits_i16 = [](DType type) { return type == DType::u8 || type == DType::i8 || type == DType::i16; };
  if (group == 4) {
    const bool are_bytes = (a == DType::u8 && b == DType::i8) || (a == DType::i8 && b == DType::u8);
    if (sum != DType::i32 || !are_bytes) return std::nullopt;
    made.rows_operand = rows, made.columns_operand = columns;
  } else if (group == 2 && sum == DType::i32 && fits_i16(a) && fits_i16(b)) {
    made.rows_operand = c.cast(DType::i16, rows), made.columns_operand = c.cast(DType::i16, columns);
  } else if (group == 2 && sum == DType::f32 && a == DType::bf16 && b == DType::bf16) {
    made.rows_operand = rows, made.columns_operand = columns;
  } else {
    return std::nullopt;
  }
  if (!cuts_no_group(made)) return std::nullopt;
  if (!made.is_float) made.cut_depth(int64_t{group} * 2 * kJoinBlock);
  return made;
}

void Contraction::cut_depth(int64_t terms) {
  const Dim all = depth.extent();
  if (all.is_constant() && all.constant() <= terms)
    blocks = {.terms = all.constant()};
  else
    blocks = {.kind = DepthBlocks::Kind::Even, .terms = terms, .count = ir::ceil_div(all, Dim(terms))};
}

std::vector<Expr> uses_of_group(const Contraction& k, Expr operand) {
  std::vector<Expr> uses{operand};
  for (const StmtPtr& store : k.epilogue) {
    uses.push_back(store->indices[0]);
    uses.push_back(store->value);
  }
  return uses;
}

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

}  // namespace strata::compiler
