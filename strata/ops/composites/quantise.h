// Affine quantisation, as ONNX's operators of the same names mean it: a stored integer q stands for the number
// (q - zero point) * scale. Each is recorded as a composite of its name.
//
// Scales and zero points are one for all, rank 0, or one for each index of an axis, rank 1. A zero point has the dtype
// of what it belongs to, so that none lies outside of it; one that is left out is 0. Scales are positive and finite:
// E0116 for a literal that is not, E0136 when the program runs for others.
#pragma once

#include <array>
#include <optional>

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/optional.h"

namespace strata::ops {

/// round(x / scale) + zero_point, ties to even, kept within the dtype of `zero_point` (u8, i8, u16, i16; it is the
/// result's). An infinite x gives the ends, NaN the zero point. x and scale have one float dtype; f16 and bf16 compute
/// in f32. `axis`: of x, that scales of rank 1 belong to. No derivative passes.
Value quantize_linear(Value x, Value scale, Value zero_point, int64_t axis = 1);
/// (q - zero_point) * scale, in scale's dtype; q is u8, i8, u16, i16, or i32 without a zero point. Linear in scale.
Value dequantize_linear(Value q, Value scale, Value zero_point, int64_t axis = 1);

/// Integers with what they stand for.
template <class V>
struct Quantised {
  V values;
  V scale;
  std::optional<V> zero_point = {};
};

/// (a - a_zero) x (b - b_zero) into i32, exact; beyond i32 it wraps. a [..., M, K] and b [..., K, N] are u8 or i8,
/// each, or integers of 4 or 2 bits (i4, u4, i2, u2), whose zero points are i8 or u8; leading axes broadcast. a_zero:
/// rank 0 or [M]; b_zero: rank 0 or [N].
Value matmul_integer(Value a, Value b, Value a_zero, Value b_zero);

/// The operands of qlinear_matmul; null Values are left out.
struct QuantisedMatmul {
  Value a, a_scale, a_zero;  ///< a [..., M, K], as of matmul_integer; scale and zero point of rank 0 or [M]
  Value b, b_scale, b_zero;  ///< b [..., K, N], as of matmul_integer; scale and zero point of rank 0 or [N]
  Value bias;                ///< i32 [N], in units of a_scale * b_scale
  Value y_scale, y_zero;     ///< rank 0; y_zero's dtype is the result's
};
/// The quantised product of two quantised matrices. With s = matmul_integer + bias in i32, which is exact:
///
///   y = clamp(round(f32(s) * (a_scale * b_scale / y_scale)), ends - y_zero) + y_zero
///
/// where the product rounds once, ties of round go to even, and the clamp is one of i32. E0116 for more than 33,025
/// terms, whose sum may leave i32 (E0136 where K is symbolic).
Value qlinear_matmul(const QuantisedMatmul& operands);

template <Handle V>
V quantize_linear(V x, V scale, V zero_point, int64_t axis = 1, Source at = Source::here()) {
  return lift<V>(at, [=](Value v, Value s, Value z) { return quantize_linear(v, s, z, axis); }, x, scale, zero_point);
}
template <Handle V>
V dequantize_linear(V q, V scale, const Optional<V>& zero_point, int64_t axis = 1, Source at = Source::here()) {
  return lift<V>(at, [=](Value v, Value s, Value z) { return dequantize_linear(v, s, z, axis); }, q, scale, zero_point);
}
template <Handle V>
V matmul_integer(V a, V b, const Optional<V>& a_zero = {}, const Optional<V>& b_zero = {}, Source at = Source::here()) {
  return lift<V>(
      at, [](Value x, Value y, Value v, Value w) { return matmul_integer(x, y, v, w); }, a, b, a_zero, b_zero);
}
template <Handle V>
V qlinear_matmul(const Quantised<V>& a, const Quantised<V>& b, const Optional<V>& bias, V y_scale, V y_zero,
                 Source at = Source::here()) {
  return lift<V>(
      at,
      [](Value x, Value xs, Value xz, Value w, Value ws, Value wz, Value c, Value s, Value z) {
        return qlinear_matmul({x, xs, xz, w, ws, wz, c, s, z});
      },
      a.values, a.scale, a.zero_point, b.values, b.scale, b.zero_point, bias, y_scale, y_zero);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Quantised, ops::quantize_linear, ops::dequantize_linear, ops::matmul_integer, ops::qlinear_matmul;

}  // namespace strata
