// erf, erfc, erf_inv.
#include <cmath>

#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

/// Giles, "Approximating the erfinv function" gives the start; Halley's steps on erf make it exact in f64.
double erf_inv_f64(double x) {
  if (std::fabs(x) > 1 || std::isnan(x)) return std::nan("");
  if (std::fabs(x) == 1) return x * HUGE_VAL;
  const long double target = x;
  const long double w = -std::log((1 - target) * (1 + target));
  long double y = target * 0.88622692545L;
  if (w > 1) y = std::copysign(std::sqrt(std::max(w - 0.5L * std::log(w + 1.0L) - 0.5L, 0.3L)), target);
  for (int i = 0; i < 60; ++i) {
    // The residual by erfc near the ends, where erf has no digits left.
    const long double residual = target > 0.5L    ? (1 - target) - std::erfc(y)
                                 : target < -0.5L ? std::erfc(-y) - (1 + target)
                                                  : std::erf(y) - target;
    const long double slope = 1.1283791670955125738961589L * std::exp(-y * y);
    const long double step = residual / slope;
    const long double next = y - step / (1 + y * step);  // Halley
    if (next == y || !std::isfinite(next)) break;
    y = next;
  }
  return static_cast<double>(y);
}

/// The tangent times factor exp(-x^2).
Value gaussian_tangent(const ir::Jvp& j, double factor) {
  return j.tangent(0) * (exp(-(j.operand(0) * j.operand(0))) * factor);
}

}  // namespace

constinit const Op kErf = {
    .name = "erf",
    .family = "elementwise",
    .doc =
        "Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. +-inf gives +-1; -0 stays. The "
        "derivative is within 4 + x^2 ulp.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(gaussian_tangent(j, 1.1283791670955126)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return erf(x); }>,
    .reference = reference_float<[](double x) { return std::erf(x); }>,
    .tolerance = ulp(4),
    .cost = cost_per_element<24>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kErfc = {
    .name = "erfc",
    .family = "elementwise",
    .doc =
        "1 - erf(x) without cancellation: its tail for large x has all its digits. -inf gives 2, inf gives 0. The "
        "derivative is within 5 + x^2 ulp.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(gaussian_tangent(j, -1.1283791670955126)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return erfc(x); }>,
    .reference = reference_float<[](double x) { return std::erfc(x); }>,
    .tolerance = ulp(6),
    .cost = cost_per_element<34>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kErfInv = {
    .name = "erf_inv",
    .family = "elementwise",
    .doc =
        "The inverse of erf on (-1, 1). +-1 gives +-inf, beyond NaN; -0 stays. The derivative, by the result y, is "
        "within 4 + 8 y^2 ulp.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (exp(j.result() * j.result()) * 0.8862269254527580)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return erf_inv(x); }>,
    .reference = reference_float<[](double x) { return erf_inv_f64(x); }>,
    .tolerance = ulp(4),
    .cost = cost_per_element<40>,
    .samples = samples<1, ir::kFloats, Domain::Unit>,
    .is_pointwise = true,
    .is_smooth = true,
};

}  // namespace strata::ops
