// floor, ceil, round, trunc, is_finite.
#include <cmath>

#include "strata/ops/facets/facets.h"

namespace strata::ops {

constinit const Op kFloor = {
    .name = "floor",
    .family = "elementwise",
    .doc = "The largest whole number not above x. Infinities, NaN and -0 stay. The derivative is 0.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return floor(x); }>,
    .reference = reference_float<[](double x) { return std::floor(x); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kFloats, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kCeil = {
    .name = "ceil",
    .family = "elementwise",
    .doc = "The smallest whole number not below x. Infinities, NaN and -0 stay. The derivative is 0.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return ceil(x); }>,
    .reference = reference_float<[](double x) { return std::ceil(x); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kFloats, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kRound = {
    .name = "round",
    .family = "elementwise",
    .doc = "The nearest whole number, ties to even. Infinities, NaN and -0 stay. The derivative is 0.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return round_even(x); }>,
    .reference = reference_float<[](double x) { return std::nearbyint(x); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kFloats, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kTrunc = {
    .name = "trunc",
    .family = "elementwise",
    .doc = "x without its fraction. Infinities, NaN and -0 stay. The derivative is 0.",
    .types = ir::kFloats,
    .infer = infer_same,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return trunc(x); }>,
    .reference = reference_float<[](double x) { return std::trunc(x); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kFloats, Domain::Exact>,
    .is_pointwise = true,
};

constinit const Op kIsFinite = {
    .name = "is_finite",
    .family = "elementwise",
    .doc = "Whether x is neither infinite nor NaN.",
    .types = ir::kFloats,
    .infer = infer_bool,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower = lower_pointwise<[](Scalar x) { return abs(x) < HUGE_VAL; }>,
    .reference = reference_number<[](auto x) { return std::isfinite(static_cast<double>(x)); }>,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = samples<1, ir::kFloats>,
    .is_pointwise = true,
};

}  // namespace strata::ops
