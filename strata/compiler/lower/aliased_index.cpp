#include "strata/compiler/lower/aliased_index.h"

namespace strata::compiler {

using namespace ir::loops;

std::vector<Expr> unflatten(LoopContext& c, Expr flat, std::span<const ir::Dim> extents) {
  std::vector<Expr> index(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    if (i == 0) {
      index[i] = flat;
      break;
    }
    const Expr extent = c.dim(extents[i]);
    index[i] = c.binary(ExprOp::FloorMod, flat, extent);
    flat = c.binary(ExprOp::FloorDiv, flat, extent);
  }
  return index;
}

std::vector<Expr> aliased_index(LoopContext& c, ir::Type type, ir::Type from, std::span<const Expr> index) {
  type = type.stored(), from = from.stored();
  if (type == from) return {index.begin(), index.end()};
  Expr flat = c.i64(0);
  for (int i = 0; i < type.rank(); ++i)
    flat = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, flat, c.dim(type.dim(i))), index[i]);
  return unflatten(c, flat, from.shape());
}

}  // namespace strata::compiler
