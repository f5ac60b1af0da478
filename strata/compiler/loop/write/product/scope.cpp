#include "strata/compiler/loop/write/product/scope.h"

#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// Of a group that `operand` goes with, in the epilogue alone.
std::vector<Expr> stored_uses(const Contraction& product, Expr operand) {
  std::vector<Expr> uses = uses_of_group(product, operand);
  uses.erase(uses.begin());
  return uses;
}

/// Where the flat index of the columns has to be one loop.
std::vector<Expr> uses_of_columns(const Contraction& product, ColumnStorage storage) {
  return storage == ColumnStorage::Packed ? uses_of_group(product, product.columns_operand)
                                          : stored_uses(product, product.columns_operand);
}

}  // namespace

ProductScope::ProductScope(const Contraction& product, LoopContext& c, const ir::Facts& facts_of, const Tiling& sizes,
                           ColumnStorage storage)
    : contraction(product),
      context(c),
      facts(facts_of),
      tiling(sizes),
      type(product.accumulator->type.dtype),
      rows(c, facts_of, product.rows, uses_of_group(product, product.rows_operand)),
      columns(c, facts_of, product.columns, uses_of_columns(product, storage)),
      stored_rows(c, facts_of, product.rows, stored_uses(product, product.rows_operand)),
      stored_columns(c, facts_of, product.columns, stored_uses(product, product.columns_operand)),
      rows_depth(c, facts_of, product.depth, {&product.rows_operand, 1}),
      columns_depth(c, facts_of, product.depth, {&product.columns_operand, 1}),
      widths(halved_widths(sizes.lanes)) {}

Expr ProductScope::bind(const char* name, Expr value, Stmts& stmts) const {
  if (value->arg_count == 0 && value->op != ExprOp::Loop) return value;
  const Local* local = context.local(name, value->type, false);
  stmts.push_back(make_declare(local, value));
  return context.read(local);
}

TaskRange ProductScope::block_range(Expr number) const {
  LoopContext& c = context;
  const DepthBlocks& blocks = contraction.blocks;
  const Expr depth = c.dim(contraction.depth.extent());
  if (blocks.kind == DepthBlocks::Kind::One) return {c.i64(0), depth};
  if (blocks.kind == DepthBlocks::Kind::Even) {
    const Expr low = mul(number, blocks.terms);
    return {low, min(depth, add(low, c.i64(blocks.terms)))};
  }
  const auto of = [&](ExprOp op, Expr a, ir::Dim b) { return c.binary(op, a, c.dim(b)); };
  const Expr step = of(ExprOp::Mul, of(ExprOp::FloorDiv, number, blocks.pieces_per_step), blocks.steps_per_block);
  const Expr piece = of(ExprOp::FloorMod, number, blocks.pieces_per_step);
  const Expr low = add(of(ExprOp::Mul, step, blocks.inner), mul(piece, blocks.terms));
  const Expr steps_end = min(c.dim(blocks.steps), add(step, c.dim(blocks.steps_per_block)));
  return {low, min(of(ExprOp::Mul, steps_end, blocks.inner), add(low, c.i64(blocks.terms)))};
}

ProductScope::Stmts ProductScope::put_groups_in_order(const Buffer* panel, const PlaceInLine& place, Expr count) const {
  if (!contraction.exchanges_pairs()) return {};
  const int lanes = tiling.lanes * contraction.group;
  const LoopVar* u = context.loop_var("u");
  const std::vector<Expr> line = place(context.ramp(context.loop(u), 1, lanes));
  const Expr groups = contraction.in_order_of_steps(context, context.load(panel, line));
  return {make_for(u, context.i64(0), count, LoopKind::Serial, {make_store(panel, line, groups)}, lanes)};
}

const Buffer* ProductScope::scratch(const char* name, ir::DType dtype, std::vector<ir::Dim> shape) const {
  return context.buffer({name, dtype, std::move(shape), BufferKind::Scratch});
}

Expr beside(LoopContext& c, const std::vector<Expr>& elements) {
  if (elements.size() == 1) return elements[0];
  std::vector<Expr> halves[2];
  for (size_t i = 0; i < elements.size(); ++i) halves[i % 2].push_back(elements[i]);
  return c.interleave(beside(c, halves[0]), beside(c, halves[1]));
}

}  // namespace strata::compiler
