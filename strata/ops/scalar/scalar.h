// Arithmetic of lower rules: one element of a loop program with operators, and the elementary functions as polynomials.
//
// A Scalar is an expression together with the context that makes it. f16 and bf16 never compute: load_scalar casts them
// to f32 and the rule's end casts back, which is their rounding. The functions below are written in the loop program's
// own operations (add, mul, fma, select, bit casts), without branches or tables, so that they vectorise and give the
// same bits on every machine; they exist for f32 and f64, and state their measured error where they are defined.
// Denormals, infinities and NaN are handled, not flushed.
#pragma once

#include <span>

#include "strata/ir/graph/op.h"
#include "strata/ir/loops/kernel.h"
#include "strata/ops/facets/lowering.h"

namespace strata::ops {

struct Scalar {
  ir::loops::LoopContext* context = nullptr;
  ir::loops::Expr expr = nullptr;

  ir::DType dtype() const { return expr->type.dtype; }
  bool is_f64() const { return dtype() == ir::DType::f64; }
  /// A constant of this scalar's dtype.
  Scalar like(double value) const { return {context, context->constant(dtype(), value)}; }
};

Scalar unary(ir::loops::ExprOp op, Scalar x);
Scalar binary(ir::loops::ExprOp op, Scalar x, Scalar y);

inline Scalar operator+(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Add, x, y); }
inline Scalar operator-(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Sub, x, y); }
inline Scalar operator*(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Mul, x, y); }
inline Scalar operator/(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Div, x, y); }
inline Scalar operator&(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::And, x, y); }
inline Scalar operator|(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Or, x, y); }
inline Scalar operator^(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Xor, x, y); }
inline Scalar operator<(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Lt, x, y); }
inline Scalar operator<=(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Le, x, y); }
inline Scalar operator>(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Gt, x, y); }
inline Scalar operator>=(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Ge, x, y); }
inline Scalar equal(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Eq, x, y); }
inline Scalar not_equal(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Ne, x, y); }
inline Scalar operator+(Scalar x, double y) { return x + x.like(y); }
inline Scalar operator-(Scalar x, double y) { return x - x.like(y); }
inline Scalar operator*(Scalar x, double y) { return x * x.like(y); }
inline Scalar operator/(Scalar x, double y) { return x / x.like(y); }
inline Scalar operator+(double x, Scalar y) { return y.like(x) + y; }
inline Scalar operator-(double x, Scalar y) { return y.like(x) - y; }
inline Scalar operator*(double x, Scalar y) { return y.like(x) * y; }
inline Scalar operator/(double x, Scalar y) { return y.like(x) / y; }
inline Scalar operator<(Scalar x, double y) { return x < x.like(y); }
inline Scalar operator<=(Scalar x, double y) { return x <= x.like(y); }
inline Scalar operator>(Scalar x, double y) { return x > x.like(y); }
inline Scalar operator>=(Scalar x, double y) { return x >= x.like(y); }
inline Scalar operator-(Scalar x) { return unary(ir::loops::ExprOp::Neg, x); }
inline Scalar operator~(Scalar x) { return unary(ir::loops::ExprOp::Not, x); }
inline Scalar abs(Scalar x) { return unary(ir::loops::ExprOp::Abs, x); }
inline Scalar sqrt(Scalar x) { return unary(ir::loops::ExprOp::Sqrt, x); }
inline Scalar floor(Scalar x) { return unary(ir::loops::ExprOp::Floor, x); }
inline Scalar ceil(Scalar x) { return unary(ir::loops::ExprOp::Ceil, x); }
inline Scalar round_even(Scalar x) { return unary(ir::loops::ExprOp::RoundEven, x); }
inline Scalar trunc(Scalar x) { return unary(ir::loops::ExprOp::Trunc, x); }
inline Scalar huge_angle(Scalar x) { return unary(ir::loops::ExprOp::HugeAngle, x); }
inline Scalar huge_quadrant(Scalar x) { return unary(ir::loops::ExprOp::HugeQuadrant, x); }
inline Scalar minimum(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Min, x, y); }
inline Scalar maximum(Scalar x, Scalar y) { return binary(ir::loops::ExprOp::Max, x, y); }
inline Scalar copysign(Scalar magnitude, Scalar sign) { return binary(ir::loops::ExprOp::CopySign, magnitude, sign); }
inline Scalar shift_left(Scalar x, Scalar n) { return binary(ir::loops::ExprOp::Shl, x, n); }
inline Scalar shift_right_logical(Scalar x, Scalar n) { return binary(ir::loops::ExprOp::ShrLogical, x, n); }
inline Scalar shift_right_arithmetic(Scalar x, Scalar n) { return binary(ir::loops::ExprOp::ShrArith, x, n); }
inline Scalar fma(Scalar a, Scalar b, Scalar c) { return {a.context, a.context->fma(a.expr, b.expr, c.expr)}; }
inline Scalar select(Scalar condition, Scalar x, Scalar y) {
  return {x.context, x.context->select(condition.expr, x.expr, y.expr)};
}
inline Scalar cast(ir::DType to, Scalar x) { return {x.context, x.context->cast(to, x.expr)}; }
inline Scalar bitcast(ir::DType to, Scalar x) { return {x.context, x.context->bitcast(to, x.expr)}; }
inline Scalar is_nan(Scalar x) { return not_equal(x, x); }

/// coefficients[0] + x * (coefficients[1] + ...), by Horner's rule with FMA.
Scalar horner(Scalar x, std::span<const double> coefficients);
/// 1.5 2^23 (f32) or 1.5 2^52: added to a small number it rounds that to an integer n, which then stands in the lowest
/// bits of the sum. That is cheaper than a conversion, which has to look after what is no integer of its type.
Scalar rounding_shift(Scalar x);
/// 2^n times `factor`, a power of two, of n + rounding_shift(), for an integer n that leaves the result in the range of
/// normal numbers; of NaN any number or none.
Scalar power_of_shifted(Scalar shifted, double factor = 1);
/// 2^n for an integer-valued n in that range; of NaN any number or none.
Scalar power_of_two(Scalar n);

// exp.cpp
Scalar exp(Scalar x);
/// The same without a look at what is too large or small: of x from -104.5 to 89 (f32), from -751 to 710, or NaN.
Scalar exp_in_reach(Scalar x);
Scalar exp2(Scalar x);
Scalar expm1(Scalar x);
Scalar sigmoid(Scalar x);
Scalar tanh(Scalar x);
// log.cpp
/// A positive x = m 2^e with m in [sqrt(1/2), sqrt(2)), denormals included; without meaning for other x.
struct Mantissa {
  Scalar m, e;
};
Mantissa split_mantissa(Scalar x);
Scalar log(Scalar x);
Scalar log1p(Scalar x);
Scalar log2(Scalar x);
Scalar log10(Scalar x);
// trigonometry.cpp
Scalar sin(Scalar x);
Scalar cos(Scalar x);
Scalar atan2(Scalar y, Scalar x);
// erf.cpp
Scalar erf(Scalar x);
Scalar erfc(Scalar x);
Scalar erf_inv(Scalar x);
// power.cpp
Scalar rsqrt(Scalar x);
Scalar cbrt(Scalar x);
Scalar pow(Scalar x, Scalar y);

/// Operand i of a node at an index, ready to compute with: f16 and bf16 as f32.
Scalar load_scalar(ir::Lowering& lowering, int operand, std::span<const ir::loops::Expr> index);
/// Back to the dtype of the node's result.
ir::loops::Expr finish_scalar(const ir::Lowering& lowering, Scalar x, int result = 0);

}  // namespace strata::ops
