// exp, expm1, log, log1p, sin, cos, tanh, sigmoid, erf, erf_inv.
#include <cmath>

#include "strata/ops/facets.h"

namespace strata::ops {
namespace {

/// Giles, "Approximating the erfinv function" gives the start; Newton steps on erf make it exact in f64.
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

double sigmoid_f64(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

}  // namespace

constinit const Op kExp = {
    .name = "exp",
    .family = "elementwise",
    .doc =
        "e to the power x. exp(-inf) is 0, exp(inf) is inf; NaN stays. Results below the normal range are denormal, "
        "not zero.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * j.result()); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return exp(x); }>,
    .reference = reference_float<[](double x) { return std::exp(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<14>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kExpm1 = {
    .name = "expm1",
    .family = "elementwise",
    .doc = "exp(x) - 1 without cancellation near 0. -inf gives -1; -0 stays.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (j.result() + 1)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return expm1(x); }>,
    .reference = reference_float<[](double x) { return std::expm1(x); }>,
    .tolerance = ulp(4),
    .cost = cost_per_element<20>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kLog = {
    .name = "log",
    .family = "elementwise",
    .doc = "Natural logarithm. log(0) is -inf, of a negative number NaN, of inf inf.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) / j.operand(0)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return log(x); }>,
    .reference = reference_float<[](double x) { return std::log(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<16>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kLog1p = {
    .name = "log1p",
    .family = "elementwise",
    .doc = "log(1 + x) without cancellation near 0. log1p(-1) is -inf, below NaN; -0 stays.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) / (j.operand(0) + 1)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return log1p(x); }>,
    .reference = reference_float<[](double x) { return std::log1p(x); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<20>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kSin = {
    .name = "sin",
    .family = "elementwise",
    .doc =
        "Sine of radians. inf gives NaN, and so does |x| above 2^50, where neighbouring numbers lie so far apart that "
        "no "
        "angle is left.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * cos(j.operand(0))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return sin(x); }>,
    .reference = reference_float<[](double x) { return std::fabs(x) <= 0x1p50 ? std::sin(x) : std::nan(""); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<24>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kCos = {
    .name = "cos",
    .family = "elementwise",
    .doc = "Cosine of radians. inf gives NaN. |x| above 2^50 gives NaN, as for sin.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(-(j.tangent(0) * sin(j.operand(0)))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return cos(x); }>,
    .reference = reference_float<[](double x) { return std::fabs(x) <= 0x1p50 ? std::cos(x) : std::nan(""); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<24>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kTanh = {
    .name = "tanh",
    .family = "elementwise",
    .doc = "Hyperbolic tangent. +-inf gives +-1; -0 stays.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (1 - j.result() * j.result())); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return tanh(x); }>,
    .reference = reference_float<[](double x) { return std::tanh(x); }>,
    .tolerance = ulp(4),
    .cost = cost_per_element<22>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kSigmoid = {
    .name = "sigmoid",
    .family = "elementwise",
    .doc = "1 / (1 + exp(-x)), without overflow. -inf gives 0, inf gives 1.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (j.result() * (1 - j.result()))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return sigmoid(x); }>,
    .reference = reference_float<[](double x) { return sigmoid_f64(x); }>,
    .tolerance = ulp(4),
    .cost = cost_per_element<18>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kErf = {
    .name = "erf",
    .family = "elementwise",
    .doc = "Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. +-inf gives +-1; -0 stays.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (exp(-(j.operand(0) * j.operand(0))) * 1.1283791670955126)); },
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

constinit const Op kErfInv = {
    .name = "erf_inv",
    .family = "elementwise",
    .doc = "The inverse of erf on (-1, 1). +-1 gives +-inf, beyond NaN; -0 stays.",
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
