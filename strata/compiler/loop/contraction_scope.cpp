#include "strata/compiler/loop/contraction_scope.h"

#include "strata/compiler/loop/access.h"
#include "strata/compiler/loop/peel.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// Where a group's loops appear: in its operand and in the epilogue.
std::vector<Expr> epilogue_uses(const Contraction& k, Expr operand) {
  std::vector<Expr> uses{operand};
  for (const StmtPtr& store : k.epilogue) {
    uses.push_back(store->indices[0]);
    uses.push_back(store->value);
  }
  return uses;
}

std::vector<int> vector_widths(int lanes) {
  std::vector<int> widths;
  for (int width = lanes; width >= 4 || width == lanes; width /= 2) widths.push_back(width);
  if (widths.back() != 1) widths.push_back(1);
  return widths;
}

}  // namespace

ContractionScope::ContractionScope(const Contraction& contraction, LoopContext& context, const ir::Facts& facts_of,
                                   const Tiling& tiling)
    : k(contraction),
      c(context),
      facts(facts_of),
      t(tiling),
      type(contraction.accumulator->type.dtype),
      rows(context, facts_of, contraction.rows, epilogue_uses(contraction, contraction.rows_operand)),
      columns(context, facts_of, contraction.columns, epilogue_uses(contraction, contraction.columns_operand)),
      rows_depth(context, facts_of, contraction.depth, {&contraction.rows_operand, 1}),
      columns_depth(context, facts_of, contraction.depth, {&contraction.columns_operand, 1}),
      widths(vector_widths(tiling.lanes)) {}

Expr ContractionScope::bind(const char* name, Expr value, Stmts& stmts) const {
  if (value->arg_count == 0 && value->op != ExprOp::Loop) return value;
  const Local* local = c.local(name, value->type, false);
  stmts.push_back(make_declare(local, value));
  return c.read(local);
}

TaskRange ContractionScope::block_range(Expr number) const {
  const Expr depth = c.dim(k.depth.extent());
  if (k.blocks.kind == DepthBlocks::Kind::One) return {c.i64(0), depth};
  if (k.blocks.kind == DepthBlocks::Kind::Even) {
    const Expr low = mul(number, k.blocks.terms);
    return {low, min(depth, add(low, c.i64(k.blocks.terms)))};
  }
  const auto of = [&](ExprOp op, Expr a, ir::Dim b) { return c.binary(op, a, c.dim(b)); };
  const Expr step = of(ExprOp::Mul, of(ExprOp::FloorDiv, number, k.blocks.pieces_per_step), k.blocks.steps_per_block);
  const Expr piece = of(ExprOp::FloorMod, number, k.blocks.pieces_per_step);
  const Expr low = add(of(ExprOp::Mul, step, k.blocks.inner), mul(piece, k.blocks.terms));
  const Expr steps_end = min(c.dim(k.blocks.steps), add(step, c.dim(k.blocks.steps_per_block)));
  return {low, min(of(ExprOp::Mul, steps_end, k.blocks.inner), add(low, c.i64(k.blocks.terms)))};
}

const Buffer* ContractionScope::scratch(const char* name, std::vector<ir::Dim> shape) const {
  return c.buffer({name, type, std::move(shape), BufferKind::Scratch});
}

int ContractionScope::contiguity(Expr e, const LoopGroup& group) const {
  return compiler::contiguity(c, facts, e, group);
}

int contiguity(LoopContext& c, const ir::Facts& facts, Expr e, const LoopGroup& group) {
  if (group.is_empty()) return 0;
  LinearIndices indices(c, facts);
  int score = 0;
  for (Expr load : collect_loads(inside_of_padding(c, facts, e))) {
    const Stride stride = stride_in(indices, load->args[0], c.loop(group.loops.back().var));
    score += stride == Stride::Contiguous ? 1 : stride == Stride::Other ? -1 : 0;
  }
  return score;
}

}  // namespace strata::compiler
