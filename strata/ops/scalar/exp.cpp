// exp, exp2, expm1, sigmoid and tanh.
//
// x = n ln 2 + r with |r| <= ln 2 / 2; expm1(r) = r + r^2 Q(r), Q by a minimax fit (Remez, relative error below 2^-32
// in f32 and 2^-68 in f64); then e^x = 2^n (1 + expm1(r)). Measured against long double on dense samples
// (scalar_test.cpp): at most 1.0 ulp for exp and exp2, 1.7 expm1, 2.3 sigmoid, 2.5 tanh.
#include "strata/ops/scalar/scalar.h"

namespace strata::ops {
namespace {

constexpr double kTailF32[] = {0.5000000046359293,   0.16666666816778597,   0.04166635468194564,
                               0.008333273223625393, 0.0013941011484062925, 0.00019914046195221294};
constexpr double kTailF64[] = {0.5,
                               0.16666666666666666,
                               0.04166666666666669,
                               0.008333333333333338,
                               0.0013888888888871928,
                               0.00019841269841245477,
                               2.480158735005416e-05,
                               2.7557319277700597e-06,
                               2.755725194114757e-07,
                               2.505204750980948e-08,
                               2.09215711380554e-09,
                               1.609339625166339e-10};

struct Reduced {
  Scalar shifted, r;  ///< n + rounding_shift()
};

/// ln 2 in two parts, the first short enough that n times it is exact.
Reduced reduce(Scalar x) {
  const bool wide = x.is_f64();
  const Scalar shift = rounding_shift(x), shifted = fma(x, x.like(1.4426950408889634), shift), n = shifted - shift;
  const Scalar r = fma(n, x.like(wide ? -0x1.62e42fefa38p-1 : -0x1.62e4p-1), x);
  return {shifted, fma(n, x.like(wide ? -0x1.ef35793c7673p-45 : -0x1.7f7d1cp-20), r)};
}

Scalar expm1_reduced(Scalar r) { return fma(r * r, r.is_f64() ? horner(r, kTailF64) : horner(r, kTailF32), r); }

Scalar clamp(Scalar x, double low, double high) { return minimum(maximum(x, x.like(low)), x.like(high)); }

/// 2^n (1 + q). Two factors, since 2^n alone leaves the normal range at both ends; the second one rounds into the
/// denormals. Their exponents, n div 2 and the rest, are cut out of the bits of n + rounding_shift().
Scalar scaled_up(Scalar q, Scalar shifted) {
  const int bits = shifted.is_f64() ? 52 : 23;
  const Scalar word = bitcast(shifted.is_f64() ? ir::DType::i64 : ir::DType::i32, shifted);
  const Scalar one = bitcast(word.dtype(), shifted.like(1));
  const Scalar whole = shift_left(word, word.like(bits));
  const Scalar half = shift_left(word, word.like(bits - 1)) & word.like(shifted.is_f64() ? -0x1p52 : -0x1p23);
  const Scalar first = bitcast(q.dtype(), half + one), second = bitcast(q.dtype(), whole - half + one);
  return fma(q, first, first) * second;
}

/// expm1 of x from -20 (f32) or -40 to 89 or 710, or NaN.
Scalar expm1_in_reach(Scalar x) {
  // 2^n (1 + q) - 1 = 2 (q s + (s - 1/2)) with s = 2^(n-1), which exists even at the upper end.
  const auto [shifted, r] = reduce(x);
  const Scalar s = power_of_shifted(shifted, 0.5);
  const Scalar result = fma(expm1_reduced(r), s, s - 0.5) * 2;
  // Tiny x is its own answer: halving a denormal loses a bit, and -0 its sign.
  return select(abs(x) < x.like(x.is_f64() ? 0x1p-60 : 0x1p-30), x, result);
}

}  // namespace

Scalar exp_in_reach(Scalar x) {
  const auto [shifted, r] = reduce(x);
  return scaled_up(expm1_reduced(r), shifted);
}

Scalar exp(Scalar x) {
  // Beyond these bounds the result has become 0 or inf already.
  return exp_in_reach(x.is_f64() ? clamp(x, -746, 710) : clamp(x, -104, 89));
}

Scalar exp2(Scalar x) {
  const Scalar bounded = x.is_f64() ? clamp(x, -1076, 1025) : clamp(x, -151, 129);
  const Scalar shift = rounding_shift(x), shifted = bounded + shift;
  return scaled_up(expm1_reduced((bounded - (shifted - shift)) * 0.69314718055994531), shifted);
}

Scalar expm1(Scalar x) { return expm1_in_reach(x.is_f64() ? clamp(x, -40, 710) : clamp(x, -20, 89)); }

Scalar sigmoid(Scalar x) {
  // exp(-|x|) can't overflow, and keeps the denormal results of very negative x.
  const Scalar e = exp_in_reach(maximum(-abs(x), x.like(x.is_f64() ? -746 : -104)));
  return select(x < 0, e, x.like(1)) / (e + 1);
}

Scalar tanh(Scalar x) {
  // t / (t + 2) with t = expm1(2 |x|); 1 to the last bit beyond the bound.
  const Scalar magnitude = minimum(abs(x), x.like(x.is_f64() ? 22 : 10));
  const Scalar t = expm1_in_reach(magnitude * 2);
  return copysign(t / (t + 2), x);
}

}  // namespace strata::ops
