// Elementwise ops: their blocks and user functions. Meanings stand in the blocks (*.cpp beside this file), and `strata
// ops` prints them.
//
// Binary functions broadcast as NumPy does and take an untyped literal on either side (operators.h).
#pragma once

#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/handle.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

// arithmetic.cpp, rounding.cpp
extern const Op kNeg, kAbs, kSign, kFloor, kCeil, kRound, kTrunc, kIsFinite;
extern const Op kAdd, kSub, kMul, kDiv, kRem, kMaximum, kMinimum;
// transcendental.cpp
extern const Op kExp, kExp2, kExpm1, kLog, kLog1p, kLog2, kLog10, kSin, kCos, kTanh, kSigmoid;
// erf.cpp
extern const Op kErf, kErfc, kErfInv;
// power.cpp
extern const Op kSqrt, kRsqrt, kCbrt, kPow, kAtan2;
// bits.cpp
extern const Op kNot, kAnd, kOr, kXor, kShiftLeft, kShiftRightArithmetic, kShiftRightLogical;
// choice.cpp, conversion.cpp
extern const Op kEq, kNe, kLt, kLe, kGt, kGe, kSelect;
extern const Op kCast, kBitcast;

/// name(x, at) for any handle: one op of one operand.
#define STRATA_UNARY(name, op)              \
  template <Handle V>                       \
  V name(V x, Source at = Source::here()) { \
    return call<V>(at, op, {x});            \
  }
STRATA_UNARY(neg, kNeg)
STRATA_UNARY(abs, kAbs)
STRATA_UNARY(sign, kSign)
STRATA_UNARY(floor, kFloor)
STRATA_UNARY(ceil, kCeil)
STRATA_UNARY(round, kRound)
STRATA_UNARY(trunc, kTrunc)
STRATA_UNARY(is_finite, kIsFinite)
STRATA_UNARY(exp, kExp)
STRATA_UNARY(exp2, kExp2)
STRATA_UNARY(expm1, kExpm1)
STRATA_UNARY(log, kLog)
STRATA_UNARY(log1p, kLog1p)
STRATA_UNARY(log2, kLog2)
STRATA_UNARY(log10, kLog10)
STRATA_UNARY(sqrt, kSqrt)
STRATA_UNARY(rsqrt, kRsqrt)
STRATA_UNARY(cbrt, kCbrt)
STRATA_UNARY(sin, kSin)
STRATA_UNARY(cos, kCos)
STRATA_UNARY(tanh, kTanh)
STRATA_UNARY(sigmoid, kSigmoid)
STRATA_UNARY(erf, kErf)
STRATA_UNARY(erfc, kErfc)
STRATA_UNARY(erf_inv, kErfInv)
STRATA_UNARY(bitwise_not, kNot)
#undef STRATA_UNARY

/// name(x, y, at) for any handle: one op of two operands that broadcast; either may be a literal.
#define STRATA_BINARY(name, op)                                                 \
  template <Handle V>                                                           \
  V name(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { \
    return binary<V>(at, op, x, y);                                             \
  }                                                                             \
  template <Handle V>                                                           \
  V name(Literal x, V y, Source at = Source::here()) {                          \
    return lift<V>(at, [x](Value v) { return binary_of(op, x, v); }, y);        \
  }
STRATA_BINARY(add, kAdd)
STRATA_BINARY(sub, kSub)
STRATA_BINARY(mul, kMul)
STRATA_BINARY(div, kDiv)
STRATA_BINARY(rem, kRem)
STRATA_BINARY(maximum, kMaximum)
STRATA_BINARY(minimum, kMinimum)
STRATA_BINARY(atan2, kAtan2)
STRATA_BINARY(bitwise_and, kAnd)
STRATA_BINARY(bitwise_or, kOr)
STRATA_BINARY(bitwise_xor, kXor)
STRATA_BINARY(shift_left, kShiftLeft)
STRATA_BINARY(shift_right_arithmetic, kShiftRightArithmetic)
STRATA_BINARY(shift_right_logical, kShiftRightLogical)
STRATA_BINARY(eq, kEq)
STRATA_BINARY(ne, kNe)
STRATA_BINARY(lt, kLt)
STRATA_BINARY(le, kLe)
STRATA_BINARY(gt, kGt)
STRATA_BINARY(ge, kGe)
#undef STRATA_BINARY

/// x to the power y. Whole literal powers become products: of floats up to 8, which are within n - 1 ulp.
Value pow(Value x, Value y);
Value pow(Value x, Literal y);
template <Handle V>
V pow(V x, V y, Source at = Source::here()) {
  return binary<V>(at, kPow, x, y);
}
template <Handle V>
V pow(V x, Literal y, Source at = Source::here()) {
  return lift<V>(at, [y](Value v) { return pow(v, y); }, x);
}
/// x * x
template <Handle V>
V square(V x, Source at = Source::here()) {
  return call<V>(at, kMul, {x, x});
}

/// `condition` (bool) ? x : y. All three broadcast.
STRATA_FUNCTION(select, (condition, x, y), (), ())
Value select(Value condition, Value x, Literal y);
Value select(Value condition, Literal x, Value y);
template <Handle V>
V select(V condition, V x, Literal y, Source at = Source::here()) {
  return lift<V>(at, [y](Value c, Value a) { return select(c, a, y); }, condition, x);
}
template <Handle V>
V select(V condition, Literal x, V y, Source at = Source::here()) {
  return lift<V>(at, [x](Value c, Value b) { return select(c, x, b); }, condition, y);
}

/// Between the bounds; NaN stays.
template <Handle V>
V clamp(V x, Literal lowest, Literal highest, Source at = Source::here()) {
  return lift<V>(at, [=](Value v) { return binary_of(kMinimum, binary_of(kMaximum, v, lowest), highest); }, x);
}

/// The value in another dtype. Floats round to nearest even; float to integer truncates and saturates, NaN gives 0.
template <Handle V>
V cast(V x, DType to, Source at = Source::here()) {
  return lift<V>(at, [to](Value v) { return v.dtype() == to ? v : v.graph().add1(kCast, {v}, {Attr("to", to)}); }, x);
}
/// The same bits read as another dtype of the same width.
template <Handle V>
V bitcast(V x, DType to, Source at = Source::here()) {
  return call<V>(at, kBitcast, {x}, {Attr("to", to)});
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::pow, ops::square, ops::select, ops::clamp, ops::cast, ops::bitcast, ops::neg, ops::abs, ops::sign,
    ops::floor, ops::ceil, ops::round, ops::trunc, ops::is_finite, ops::exp, ops::exp2, ops::expm1, ops::log,
    ops::log1p, ops::log2, ops::log10, ops::sqrt, ops::rsqrt, ops::cbrt, ops::sin, ops::cos, ops::tanh, ops::sigmoid,
    ops::erf, ops::erfc, ops::erf_inv, ops::bitwise_not, ops::add, ops::sub, ops::mul, ops::div, ops::rem, ops::maximum,
    ops::minimum, ops::atan2, ops::bitwise_and, ops::bitwise_or, ops::bitwise_xor, ops::shift_left,
    ops::shift_right_arithmetic, ops::shift_right_logical, ops::eq, ops::ne, ops::lt, ops::le, ops::gt, ops::ge;

}  // namespace strata
