#include "strata/compiler/lower/aliased_index.h"

namespace strata::compiler {

using namespace ir::loops;

std::vector<Expr> aliased_index(LoopContext& c, ir::Type type, ir::Type from, std::span<const Expr> index) {
  type = type.stored(), from = from.stored();
  if (type == from) return {index.begin(), index.end()};
  Expr flat = c.i64(0);
  for (int i = 0; i < type.rank(); ++i)
    flat = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, flat, c.dim(type.dim(i))), index[i]);
  std::vector<Expr> source(from.rank());
  for (int i = from.rank() - 1; i >= 0; --i) {
    const Expr extent = c.dim(from.dim(i));
    source[i] = i == 0 ? flat : c.binary(ExprOp::FloorMod, flat, extent);
    flat = c.binary(ExprOp::FloorDiv, flat, extent);
  }
  return source;
}

}  // namespace strata::compiler
