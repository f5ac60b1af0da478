// log, log1p, log2 and log10.
//
// x = 2^e m with m in [sqrt(1/2), sqrt(2)); with s = f / (2 + f), f = m - 1: log m = f - (f^2/2 - s (f^2/2 + s^2
// R(s^2))), R by a minimax fit of (2 atanh(s) / s - 2) / s^2 (relative error of the log below 2^-36 in f32 and 2^-65 in
// f64). Measured (scalar_test.cpp): at most 0.9 ulp for log, 1.5 log1p, 1.3 log2, 1.1 log10. The last two are exact
// where their result is whole: log2 since m is 1 there, log10 since it adds up e log10(2) and log10(m) in two parts
// each.
#include <cmath>

#include "strata/ops/scalar/scalar.h"

namespace strata::ops {

using ir::DType;

namespace {

constexpr double kTailF32[] = {0.6666666564200886, 0.4000033613575239, 0.2853724070358777, 0.23583557942372302};
constexpr double kTailF64[] = {0.6666666666666666,  0.40000000000006286, 0.2857142856907296,  0.22222222648753934,
                               0.18181775508099773, 0.15387097674302128, 0.13249961414469902, 0.13252760972707153};

/// log m = f - (half_square - tail) of a mantissa.
struct MantissaLog {
  Scalar f, half_square, tail;
};
MantissaLog log_of_mantissa(Scalar m) {
  const Scalar f = m - 1;
  const Scalar s = f / (f + 2), z = s * s;
  const Scalar half_square = f * f * 0.5;
  return {f, half_square, s * fma(z, m.is_f64() ? horner(z, kTailF64) : horner(z, kTailF32), half_square)};
}

/// `result`, which is the logarithm of positive numbers, for all numbers: inf and NaN stay.
Scalar with_ends(Scalar x, Scalar result) {
  const Scalar infinity = x.like(HUGE_VAL);
  const Scalar upper = select(x < infinity, result, x);
  const Scalar lower = select(equal(x, x.like(0)), -infinity, x.like(std::nan("")));
  return select(x <= 0, lower, upper);
}

}  // namespace

Mantissa split_mantissa(Scalar x) {
  const bool wide = x.is_f64();
  const DType bits = wide ? DType::i64 : DType::i32;
  const int width = wide ? 52 : 23;
  // Denormals are scaled into the normal range first.
  const Scalar is_small = x < x.like(wide ? 0x1p-1022 : 0x1p-126);
  const Scalar scaled = select(is_small, x * (wide ? 0x1p54 : 0x1p25), x);
  const Scalar word = bitcast(bits, scaled);
  const Scalar root_half = bitcast(bits, x.like(std::sqrt(0.5)));
  const Scalar exponent = shift_right_arithmetic(word - root_half, word.like(width));
  const Scalar m = bitcast(x.dtype(), word - shift_left(exponent, word.like(width)));
  const Scalar shift = select(is_small, x.like(wide ? -54 : -25), x.like(0));
  return {m, cast(x.dtype(), exponent) + shift};
}

Scalar log(Scalar x) {
  const bool wide = x.is_f64();
  const auto [m, e] = split_mantissa(x);
  const auto [f, half_square, tail] = log_of_mantissa(m);
  // ln 2 in two parts; e times the first is exact.
  const Scalar low = fma(e, x.like(wide ? 0x1.ef35793c7673p-45 : 0x1.7f7d1cp-20), tail);
  return with_ends(x, fma(e, x.like(wide ? 0x1.62e42fefa38p-1 : 0x1.62e4p-1), f - (half_square - low)));
}

Scalar log2(Scalar x) {
  const auto [m, e] = split_mantissa(x);
  const auto [f, half_square, tail] = log_of_mantissa(m);
  const Scalar part = f - (half_square - tail);
  // 1 / ln 2 in two parts, the second of which counts where e is 0.
  const bool wide = x.is_f64();
  const Scalar low = fma(part, x.like(wide ? 0x1.777d0ffda0d24p-56 : 0x1.4ae0cp-26), e);
  return with_ends(x, fma(part, x.like(wide ? 0x1.71547652b82fep+0 : 0x1.715476p+0), low));
}

Scalar log10(Scalar x) {
  const bool wide = x.is_f64();
  const auto [m, e] = split_mantissa(x);
  const auto [f, half_square, tail] = log_of_mantissa(m);
  const Scalar rest = half_square - tail, part = f - rest, part_low = (f - part) - rest;
  // 1 / ln 10 and log10(2) in two parts each; e times the first part of log10(2) is exact.
  const Scalar scale = x.like(wide ? 0x1.bcb7b1526e50ep-2 : 0x1.bcb7b2p-2);
  const Scalar scale_low = x.like(wide ? 0x1.95355baaafad3p-57 : -0x1.5b235ep-27);
  const Scalar whole = e * (wide ? 0x1.34413509f78p-2 : 0x1.344p-2);
  const Scalar whole_low = e * (wide ? 0x1.fef311f12b358p-46 : 0x1.3509f8p-18);
  const Scalar product = part * scale, product_low = fma(part, scale, -product);
  const Scalar sum = whole + product, sum_low = (whole - sum) + product;
  const Scalar low = whole_low + fma(part_low, scale, fma(part, scale_low, product_low));
  return with_ends(x, sum + (sum_low + low));
}

Scalar log1p(Scalar x) {
  // log(u) + c / u, where u + c = 1 + x exactly.
  const Scalar u = x + 1;
  const Scalar c = select(abs(x) >= 1, 1 - (u - x), x - (u - 1));
  const Scalar whole = log(u);
  const Scalar corrected = whole + c / u;
  const Scalar is_ordinary = abs(whole) < HUGE_VAL;
  // Where 1 + x rounds to 1 the answer is x itself, -0 and denormals included.
  return select(equal(u, x.like(1)), x, select(is_ordinary, corrected, whole));
}

}  // namespace strata::ops
