// How far two numbers are apart in units in the last place of a dtype: the measure of tolerances in tests.
#pragma once

#include <cmath>

#include "strata/ir/dtype.h"

namespace strata::ops {

/// Bits behind the point of a normal number.
constexpr int fraction_bits(ir::DType t) {
  return t == ir::DType::f64 ? 52 : t == ir::DType::f32 ? 23 : t == ir::DType::f16 ? 10 : 7;
}
constexpr int lowest_exponent(ir::DType t) { return t == ir::DType::f64 ? -1022 : t == ir::DType::f16 ? -14 : -126; }

/// Distance from 1 to the next number.
inline double epsilon_of(ir::DType t) { return std::ldexp(1.0, -fraction_bits(t)); }

/// |actual - expected| in units in the last place of `expected` (of the largest finite binade where it is infinite).
/// NaN equals only NaN.
inline double ulp_distance(ir::DType t, double expected, double actual) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) == std::isnan(actual) ? 0 : INFINITY;
  if (expected == actual) return 0;
  if (std::isinf(expected) || std::isinf(actual)) {
    // Overflow against the largest number is one step.
    const double largest = std::ldexp(2 - epsilon_of(t), t == ir::DType::f64 ? 1023 : t == ir::DType::f16 ? 15 : 127);
    const double finite = std::isinf(expected) ? actual : expected;
    return std::isfinite(finite) && std::fabs(finite) == largest && std::signbit(expected) == std::signbit(actual)
               ? 1
               : INFINITY;
  }
  const int exponent = expected == 0 ? lowest_exponent(t) : std::max(std::ilogb(expected), lowest_exponent(t));
  return std::fabs(expected - actual) / std::ldexp(1.0, exponent - fraction_bits(t));
}

}  // namespace strata::ops
