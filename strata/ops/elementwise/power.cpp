// sqrt, rsqrt, cbrt, pow, atan2, and pow of a literal.
#include <cmath>

#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

/// d/dx x^y is y x^(y-1), where y = 0 gives 0 even at x = 0; d/dy is log(x) x^y, which is 0 where x^y is: at x = 0, for
/// y = 0 too, and at x = inf for negative y.
void pow_jvp(ir::Jvp& j) {
  const Value x = j.operand(0), y = j.operand(1);
  j.sum_over([&](int i, Value t) {
    if (i == 1) {
      const Value is_zero = bitwise_or(eq(j.result(), 0), bitwise_and(eq(x, 0), eq(y, 0)));
      return t * (log(select(is_zero, 1, x)) * j.result());
    }
    const Value is_constant = eq(y, 0);
    return t * select(is_constant, 0, y * pow(x, select(is_constant, 1, y - 1)));
  });
}

/// x / (x^2 + y^2) by y and -y / (x^2 + y^2) by x, without the squares, which overflow and vanish early: with the
/// quotient q of the smaller by the larger, 1 / (x^2 + y^2) is 1 / (larger^2 (1 + q^2)). 0 at the origin.
void atan2_jvp(ir::Jvp& j) {
  const Value y = j.operand(0), x = j.operand(1);
  const Value is_steep = abs(y) > abs(x);
  const Value larger = select(is_steep, y, x), q = select(is_steep, x, y) / larger;
  const Value by_larger = select(eq(larger, 0), 0, 1 / larger / (q * q + 1)),
              by_q = select(eq(larger, 0), 0, q * by_larger);
  j.sum_over([&](int i, Value t) {
    return i ? -(t * select(is_steep, by_larger, by_q)) : t * select(is_steep, by_q, by_larger);
  });
}

/// A power of floats by products: they are many times faster than the op, but n factors are off by up to n - 1 ulp.
constexpr int64_t kMostFactors = 8;

}  // namespace

constinit const Op kSqrt = {
    .name = "sqrt",
    .family = "elementwise",
    .doc = "Square root, correctly rounded. Of a negative number NaN; -0 stays.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * 0.5 / j.result()); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return sqrt(x); }>,
    .reference = reference_float<[](double x) { return std::sqrt(x); }>,
    .tolerance = exact(),
    .cost = cost_per_element<8>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kRsqrt = {
    .name = "rsqrt",
    .family = "elementwise",
    .doc = "1 / sqrt(x). Of +-0 +-inf, of inf 0, of a negative number NaN.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (-0.5 * j.result() / j.operand(0))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return rsqrt(x); }>,
    .reference = reference_float<[](double x) { return 1 / std::sqrt(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<12>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kCbrt = {
    .name = "cbrt",
    .family = "elementwise",
    .doc = "Cube root, of negative numbers too. +-inf and +-0 stay.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) / (3 * (j.result() * j.result()))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return cbrt(x); }>,
    .reference = reference_float<[](double x) { return std::cbrt(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<20>,
    .samples = samples<1, ir::kFloats, Domain::Nonzero>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kPow = {
    .name = "pow",
    .family = "elementwise",
    .doc =
        "x to the power y as in IEEE 754: pow(x, 0) and pow(1, y) are 1 even for NaN; of a negative x NaN unless y is "
        "whole; pow(0, negative) is inf, with the sign of an odd power of -0.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = pow_jvp,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x, Scalar y) { return pow(x, y); }>,
    .reference = reference_float<[](double x, double y) { return std::pow(x, y); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<60>,
    .samples = samples<2, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kAtan2 = {
    .name = "atan2",
    .family = "elementwise",
    .doc =
        "The angle of the point (x, y) = (operand 1, operand 0) in (-pi, pi], with the signs of zeros and infinities "
        "as in C.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = atan2_jvp,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar y, Scalar x) { return atan2(y, x); }>,
    .reference = reference_float<[](double y, double x) { return std::atan2(y, x); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<40>,
    .samples = samples<2, ir::kFloats, Domain::Nonzero>,
    .is_pointwise = true,
    .is_smooth = true,
};

Value pow(Value x, Value y) { return binary_of(kPow, x, y); }

Value pow(Value x, Literal y) {
  // Products of half floats round once, as the op does.
  if (ir::is_half_float(x.dtype())) return cast(pow(cast(x, DType::f32), y), x.dtype());
  const int64_t most = ir::is_float(x.dtype()) ? kMostFactors : 64;
  if (y.is_integer && y.integer >= 0 && y.integer <= most) {
    // Squares and products: of integers exact in so far as the dtype is, of floats as good as kMostFactors says.
    if (y.integer == 0) return ones_like(x);
    Value result, base = x;
    for (int64_t n = y.integer; n; n >>= 1) {
      if (n & 1) result = result ? result * base : base;
      if (n > 1) base = base * base;
    }
    return result;
  }
  if (y.real == -1 && ir::is_float(x.dtype())) return 1 / x;
  if (y.real == 2) return x * x;
  return binary_of(kPow, x, y);
}

}  // namespace strata::ops
