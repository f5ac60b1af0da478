// exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tanh, sigmoid.
#include <cmath>

#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

double sigmoid_f64(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

/// 1 - tanh(x)^2 as 4 n / (1 + n)^2 with n = e^(-2 |x|), which keeps its digits where tanh is near 1. |x| by a select:
/// abs has the derivative 0 at 0, and with it the third derivative here.
void tanh_jvp(ir::Jvp& j) {
  const Value x = j.operand(0);
  const Value n = exp(select(x < 0, x, -x) * 2), reciprocal = 1 / (n + 1);
  j.set(j.tangent(0) * (n * 4 * reciprocal * reciprocal));
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

constinit const Op kExp2 = {
    .name = "exp2",
    .family = "elementwise",
    .doc =
        "2 to the power x, exact where x is whole. exp2(-inf) is 0, exp2(inf) is inf; NaN stays. Results below the "
        "normal range are denormal, not zero.",
    .types = ir::kFloats,
    .infer = infer_same,
    // Not from the result, which overflows before the derivative does.
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (exp2(j.operand(0) - 1) * 1.3862943611198906)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return exp2(x); }>,
    .reference = reference_float<[](double x) { return std::exp2(x); }>,
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
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * exp(j.operand(0))); },
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

constinit const Op kLog2 = {
    .name = "log2",
    .family = "elementwise",
    .doc = "Logarithm to base 2, exact at powers of two. log2(0) is -inf, of a negative number NaN, of inf inf.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * 1.4426950408889634 / j.operand(0)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return log2(x); }>,
    .reference = reference_float<[](double x) { return std::log2(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<18>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kLog10 = {
    .name = "log10",
    .family = "elementwise",
    .doc = "Logarithm to base 10, exact at powers of ten. log10(0) is -inf, of a negative number NaN, of inf inf.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * 0.43429448190325183 / j.operand(0)); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return log10(x); }>,
    .reference = reference_float<[](double x) { return std::log10(x); }>,
    .tolerance = ulp(2),
    .cost = cost_per_element<24>,
    .samples = samples<1, ir::kFloats, Domain::Positive>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kSin = {
    .name = "sin",
    .family = "elementwise",
    .doc = "Sine of radians, of any size. inf gives NaN.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * cos(j.operand(0))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return sin(x); }>,
    .reference = reference_float<[](double x) { return std::sin(x); }>,
    .tolerance = ulp(3),
    .cost = cost_per_element<24>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
    .is_smooth = true,
};

constinit const Op kCos = {
    .name = "cos",
    .family = "elementwise",
    .doc = "Cosine of radians, of any size. inf gives NaN.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = [](ir::Jvp& j) { j.set(-(j.tangent(0) * sin(j.operand(0)))); },
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return cos(x); }>,
    .reference = reference_float<[](double x) { return std::cos(x); }>,
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
    .jvp = tanh_jvp,
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
    // Not 1 - result, which has no digits left where the result is near 1.
    .jvp = [](ir::Jvp& j) { j.set(j.tangent(0) * (j.result() * sigmoid(-j.operand(0)))); },
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

}  // namespace strata::ops
