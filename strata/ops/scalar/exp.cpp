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
  Scalar n, r;
};

/// ln 2 in two parts, the first short enough that n times it is exact.
Reduced reduce(Scalar x) {
  const bool wide = x.is_f64();
  const Scalar shift = rounding_shift(x);
  const Scalar n = fma(x, x.like(1.4426950408889634), shift) - shift;
  const Scalar r = fma(n, x.like(wide ? -0x1.62e42fefa38p-1 : -0x1.62e4p-1), x);
  return {n, fma(n, x.like(wide ? -0x1.ef35793c7673p-45 : -0x1.7f7d1cp-20), r)};
}

Scalar expm1_reduced(Scalar r) { return fma(r * r, r.is_f64() ? horner(r, kTailF64) : horner(r, kTailF32), r); }

Scalar clamp(Scalar x, double low, double high) { return minimum(maximum(x, x.like(low)), x.like(high)); }

/// 2^n (1 + q). Two factors, since 2^n alone leaves the normal range at both ends; the second one rounds into the
/// denormals.
Scalar scaled_up(Scalar q, Scalar n) {
  const Scalar shift = rounding_shift(n), shifted = fma(n, n.like(0.5), shift);
  const Scalar first = power_of_shifted(shifted);
  return fma(q, first, first) * power_of_two(n - (shifted - shift));
}

}  // namespace

Scalar exp(Scalar x) {
  // Beyond these bounds the result has become 0 or inf already.
  const auto [n, r] = reduce(x.is_f64() ? clamp(x, -746, 710) : clamp(x, -104, 89));
  return scaled_up(expm1_reduced(r), n);
}

Scalar exp2(Scalar x) {
  const Scalar bounded = x.is_f64() ? clamp(x, -1076, 1025) : clamp(x, -151, 129);
  const Scalar shift = rounding_shift(x);
  const Scalar n = (bounded + shift) - shift;
  return scaled_up(expm1_reduced((bounded - n) * 0.69314718055994531), n);
}

Scalar expm1(Scalar x) {
  // 2^n (1 + q) - 1 = 2 (q s + (s - 1/2)) with s = 2^(n-1), which exists even at the upper end.
  const auto [n, r] = reduce(x.is_f64() ? clamp(x, -40, 710) : clamp(x, -20, 89));
  const Scalar s = power_of_two(n - 1);
  const Scalar result = fma(expm1_reduced(r), s, s - 0.5) * 2;
  // Tiny x is its own answer: halving a denormal loses a bit, and -0 its sign.
  return select(abs(x) < x.like(x.is_f64() ? 0x1p-60 : 0x1p-30), x, result);
}

Scalar sigmoid(Scalar x) {
  // exp(-|x|) can't overflow, and keeps the denormal results of very negative x.
  const Scalar e = exp(-abs(x));
  return select(x < 0, e, x.like(1)) / (e + 1);
}

Scalar tanh(Scalar x) {
  // t / (t + 2) with t = expm1(2 |x|); 1 to the last bit beyond the bound.
  const Scalar magnitude = minimum(abs(x), x.like(x.is_f64() ? 22 : 10));
  const Scalar t = expm1(magnitude * 2);
  return copysign(t / (t + 2), x);
}

}  // namespace strata::ops
