#include "strata/ops/scalar/scalar.h"

namespace strata::ops {

using ir::DType;
using ir::loops::Expr;
using ir::loops::ExprOp;

Scalar unary(ExprOp op, Scalar x) { return {x.context, x.context->unary(op, x.expr)}; }
Scalar binary(ExprOp op, Scalar x, Scalar y) { return {x.context, x.context->binary(op, x.expr, y.expr)}; }

Scalar horner(Scalar x, std::span<const double> coefficients) {
  Scalar sum = x.like(coefficients.back());
  for (size_t i = coefficients.size() - 1; i-- > 0;) sum = fma(sum, x, x.like(coefficients[i]));
  return sum;
}

Scalar rounding_shift(Scalar x) { return x.like(x.is_f64() ? 0x1.8p52 : 0x1.8p23); }

Scalar power_of_shifted(Scalar shifted, double factor) {
  const bool wide = shifted.is_f64();
  const Scalar word = bitcast(wide ? DType::i64 : DType::i32, shifted);
  const Scalar exponent = shift_left(word, word.like(wide ? 52 : 23));  // what stands above n is shifted out
  return bitcast(shifted.dtype(), exponent + bitcast(word.dtype(), shifted.like(factor)));
}

Scalar power_of_two(Scalar n) { return power_of_shifted(n + rounding_shift(n)); }

Scalar load_scalar(ir::Lowering& lowering, int operand, std::span<const Expr> index) {
  const Scalar x{&lowering.context, lowering.operand(operand, index)};
  return ir::is_half_float(x.dtype()) ? cast(DType::f32, x) : x;
}

Expr finish_scalar(const ir::Lowering& lowering, Scalar x, int result) {
  return cast(lowering.node.type(result).dtype(), x).expr;
}

}  // namespace strata::ops
