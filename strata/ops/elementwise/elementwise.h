// Elementwise ops: their blocks and user functions. Meanings stand in the blocks (*.cpp beside this file), and `strata
// ops` prints them.
//
// Binary functions broadcast as NumPy does and take an untyped literal on either side (operators.h).
#pragma once

#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/handle.h"

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

// One line each, so that the table reads as a table.
// clang-format off
template <Handle V> V neg(V x, Source at = Source::here()) { return call<V>(at, kNeg, {x}); }
template <Handle V> V abs(V x, Source at = Source::here()) { return call<V>(at, kAbs, {x}); }
template <Handle V> V sign(V x, Source at = Source::here()) { return call<V>(at, kSign, {x}); }
template <Handle V> V floor(V x, Source at = Source::here()) { return call<V>(at, kFloor, {x}); }
template <Handle V> V ceil(V x, Source at = Source::here()) { return call<V>(at, kCeil, {x}); }
template <Handle V> V round(V x, Source at = Source::here()) { return call<V>(at, kRound, {x}); }
template <Handle V> V trunc(V x, Source at = Source::here()) { return call<V>(at, kTrunc, {x}); }
template <Handle V> V is_finite(V x, Source at = Source::here()) { return call<V>(at, kIsFinite, {x}); }
template <Handle V> V exp(V x, Source at = Source::here()) { return call<V>(at, kExp, {x}); }
template <Handle V> V exp2(V x, Source at = Source::here()) { return call<V>(at, kExp2, {x}); }
template <Handle V> V expm1(V x, Source at = Source::here()) { return call<V>(at, kExpm1, {x}); }
template <Handle V> V log(V x, Source at = Source::here()) { return call<V>(at, kLog, {x}); }
template <Handle V> V log1p(V x, Source at = Source::here()) { return call<V>(at, kLog1p, {x}); }
template <Handle V> V log2(V x, Source at = Source::here()) { return call<V>(at, kLog2, {x}); }
template <Handle V> V log10(V x, Source at = Source::here()) { return call<V>(at, kLog10, {x}); }
template <Handle V> V sqrt(V x, Source at = Source::here()) { return call<V>(at, kSqrt, {x}); }
template <Handle V> V rsqrt(V x, Source at = Source::here()) { return call<V>(at, kRsqrt, {x}); }
template <Handle V> V cbrt(V x, Source at = Source::here()) { return call<V>(at, kCbrt, {x}); }
template <Handle V> V sin(V x, Source at = Source::here()) { return call<V>(at, kSin, {x}); }
template <Handle V> V cos(V x, Source at = Source::here()) { return call<V>(at, kCos, {x}); }
template <Handle V> V tanh(V x, Source at = Source::here()) { return call<V>(at, kTanh, {x}); }
template <Handle V> V sigmoid(V x, Source at = Source::here()) { return call<V>(at, kSigmoid, {x}); }
template <Handle V> V erf(V x, Source at = Source::here()) { return call<V>(at, kErf, {x}); }
template <Handle V> V erfc(V x, Source at = Source::here()) { return call<V>(at, kErfc, {x}); }
template <Handle V> V erf_inv(V x, Source at = Source::here()) { return call<V>(at, kErfInv, {x}); }
template <Handle V> V bitwise_not(V x, Source at = Source::here()) { return call<V>(at, kNot, {x}); }


// The second operand may be a literal, and so may the first.
template <Handle V> V add(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kAdd, x, y); }
template <Handle V> V add(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kAdd, x, v); }, y); }
template <Handle V> V sub(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kSub, x, y); }
template <Handle V> V sub(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kSub, x, v); }, y); }
template <Handle V> V mul(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kMul, x, y); }
template <Handle V> V mul(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kMul, x, v); }, y); }
template <Handle V> V div(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kDiv, x, y); }
template <Handle V> V div(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kDiv, x, v); }, y); }
template <Handle V> V rem(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kRem, x, y); }
template <Handle V> V rem(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kRem, x, v); }, y); }
template <Handle V> V maximum(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kMaximum, x, y); }
template <Handle V> V maximum(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kMaximum, x, v); }, y); }
template <Handle V> V minimum(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kMinimum, x, y); }
template <Handle V> V minimum(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kMinimum, x, v); }, y); }
template <Handle V> V atan2(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kAtan2, x, y); }
template <Handle V> V atan2(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kAtan2, x, v); }, y); }
template <Handle V> V bitwise_and(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kAnd, x, y); }
template <Handle V> V bitwise_and(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kAnd, x, v); }, y); }
template <Handle V> V bitwise_or(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kOr, x, y); }
template <Handle V> V bitwise_or(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kOr, x, v); }, y); }
template <Handle V> V bitwise_xor(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kXor, x, y); }
template <Handle V> V bitwise_xor(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kXor, x, v); }, y); }
template <Handle V> V shift_left(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kShiftLeft, x, y); }
template <Handle V> V shift_left(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kShiftLeft, x, v); }, y); }
template <Handle V> V shift_right_arithmetic(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kShiftRightArithmetic, x, y); }
template <Handle V> V shift_right_arithmetic(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kShiftRightArithmetic, x, v); }, y); }
template <Handle V> V shift_right_logical(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kShiftRightLogical, x, y); }
template <Handle V> V shift_right_logical(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kShiftRightLogical, x, v); }, y); }
template <Handle V> V eq(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kEq, x, y); }
template <Handle V> V eq(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kEq, x, v); }, y); }
template <Handle V> V ne(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kNe, x, y); }
template <Handle V> V ne(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kNe, x, v); }, y); }
template <Handle V> V lt(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kLt, x, y); }
template <Handle V> V lt(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kLt, x, v); }, y); }
template <Handle V> V le(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kLe, x, y); }
template <Handle V> V le(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kLe, x, v); }, y); }
template <Handle V> V gt(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kGt, x, y); }
template <Handle V> V gt(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kGt, x, v); }, y); }
template <Handle V> V ge(V x, std::type_identity_t<Operand<V>> y, Source at = Source::here()) { return binary<V>(at, kGe, x, y); }
template <Handle V> V ge(Literal x, V y, Source at = Source::here()) { return lift<V>(at, [x](Value v) { return binary_of(kGe, x, v); }, y); }
// clang-format on

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
Value select(Value condition, Value x, Value y);
Value select(Value condition, Value x, Literal y);
Value select(Value condition, Literal x, Value y);
template <Handle V>
V select(V condition, V x, V y, Source at = Source::here()) {
  return lift<V>(at, [](Value c, Value a, Value b) { return select(c, a, b); }, condition, x, y);
}
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
