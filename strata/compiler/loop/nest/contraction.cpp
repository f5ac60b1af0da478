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
  if (group == 2) return c.group_dot(is_flushed ? ExprOp::Dot2Flushed : ExprOp::Dot2, row, column, sum);
  if (group == 4)  // whose first factor is the unsigned one
    return row->type.dtype == DType::u8 ? c.group_dot(ExprOp::Dot4, row, column, sum)
                                        : c.group_dot(ExprOp::Dot4, column, row, sum);
  if (is_flushed) return c.fma(row, column, sum, ExprOp::FmaFlushed);
  return is_float ? c.fma(row, column, sum) : c.binary(ExprOp::Add, c.binary(ExprOp::Mul, row, column), sum);
}

Expr Contraction::in_order_of_steps(LoopContext& c, Expr groups) const {
  if (!exchanges_pairs()) return groups;
  const Expr pairs = c.bitcast(DType::u32, groups), half = c.constant(DType::u32, 16);
  return c.bitcast(DType::bf16,
                   c.binary(ExprOp::Or, c.binary(ExprOp::Shl, pairs, half), c.binary(ExprOp::ShrLogical, pairs, half)));
}

void Contraction::transpose() {
  std::swap(rows, columns);
  std::swap(rows_operand, columns_operand);
}

void Contraction::take_images_apart() {
  batch.loops.push_back(columns.loops.front());
  columns.loops.erase(columns.loops.begin());
}

namespace {

bool is_read_of(Expr e, const Local* local) { return e->op == ExprOp::Read && e->local == local; }

/// lhs and rhs of acc = lhs * rhs + acc.
bool read_step(Contraction& found, Expr value, DType dtype) {
  found.is_float = ir::is_float(dtype);
  if (found.is_float) {
    found.is_flushed = value->op == ExprOp::FmaFlushed;
    if (value->op != ExprOp::Fma && !found.is_flushed) return false;
    if (!is_read_of(value->args[2], found.accumulator)) return false;
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

namespace {

/// The accumulator's declaration, and the stores behind the depth.
std::optional<Contraction> begin_contraction(const Nest& nest) {
  if (nest.body.size() < 3 || nest.body[0]->kind != StmtKind::Declare || !nest.body[0]->local->is_mutable)
    return std::nullopt;
  Contraction found;
  found.accumulator = nest.body[0]->local;
  found.start = nest.body[0]->value;
  if (found.start->op != ExprOp::Constant) return std::nullopt;
  found.epilogue.assign(nest.body.begin() + 2, nest.body.end());
  for (const StmtPtr& stmt : found.epilogue)
    if (stmt->kind != StmtKind::Store || stmt->mask) return std::nullopt;
  return found;
}

/// Which loops are rows, columns and batch, by what goes with them.
void sort_loops(Contraction& found, const Nest& nest, std::initializer_list<Expr> of_rows,
                std::initializer_list<Expr> of_columns) {
  for (const NestLoop& loop : nest.loops) {
    const auto goes_with = [&](Expr e) { return depends_on(e, loop.var); };
    const bool in_rows = std::ranges::any_of(of_rows, goes_with),
               in_columns = std::ranges::any_of(of_columns, goes_with);
    (in_rows == in_columns ? found.batch : in_rows ? found.rows : found.columns).loops.push_back(loop);
  }
}

}  // namespace

std::optional<Contraction> read_contraction(const Nest& nest, const ir::Facts& facts) {
  auto begun = begin_contraction(nest);
  if (!begun) return std::nullopt;
  Contraction& found = *begun;
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
  found.behind = nest.behind;
  sort_loops(found, nest, {found.rows_operand}, {found.columns_operand});
  return begun;
}

Contraction BlockProduct::decoded(LoopContext& c) const {
  Contraction made = scales;
  made.depth.loops.push_back({term, Dim(terms)});
  made.columns_operand = c.binary(ExprOp::Mul, c.cast(DType::f32, columns_integer), scales.columns_operand);
  return made;
}

std::optional<BlockProduct> read_block_product(const Nest& nest, const ir::Facts& facts) {
  auto begun = begin_contraction(nest);
  if (!begun || nest.body[1]->kind != StmtKind::For) return std::nullopt;
  BlockProduct found;
  Contraction& scales = found.scales = std::move(*begun);
  const Stmt& blocks = *nest.body[1];
  const auto count = loop_extent(blocks, facts);
  if (!count || blocks.body.size() != 3) return std::nullopt;
  const Stmt &declared = *blocks.body[0], &terms = *blocks.body[1], &scaled = *blocks.body[2];
  if (declared.kind != StmtKind::Declare || declared.local->type.dtype != DType::i32 ||
      constant_value(declared.value) != 0 || terms.kind != StmtKind::For || terms.body.size() != 1 ||
      terms.body[0]->kind != StmtKind::Assign || terms.body[0]->local != declared.local ||
      scaled.kind != StmtKind::Assign || scaled.local != scales.accumulator)
    return std::nullopt;
  const auto length = loop_extent(terms, facts);
  if (!length || !length->is_constant()) return std::nullopt;
  Contraction integers;
  integers.accumulator = declared.local;
  const Expr step = scaled.value;
  const auto is_sum = [&](Expr e) { return e->op == ExprOp::Cast && is_read_of(e->args[0], declared.local); };
  if (!read_step(integers, terms.body[0]->value, DType::i32) || step->op != ExprOp::Fma || !is_sum(step->args[0]) ||
      step->args[1]->op != ExprOp::Mul || !is_read_of(step->args[2], scales.accumulator))
    return std::nullopt;
  scales.depth.loops = {{blocks.loop, *count}};
  scales.rows_operand = step->args[1]->args[0], scales.columns_operand = step->args[1]->args[1];
  found.rows_integer = integers.rows_operand, found.columns_integer = integers.columns_operand;
  found.term = terms.loop, found.terms = length->constant();
  const auto cut = read_blocks(scales, blocks);
  if (!cut) return std::nullopt;
  scales.blocks = *cut;
  sort_loops(scales, nest, {scales.rows_operand, found.rows_integer}, {scales.columns_operand, found.columns_integer});
  return found;
}

}  // namespace strata::compiler
