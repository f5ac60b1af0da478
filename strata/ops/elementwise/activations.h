// Activation functions and elementary functions that are written with other ops. Each keeps x's type and passes NaN
// through; at kinks: relu' (0) = 0, leaky_relu' (0) = slope, hard_sigmoid' and hard_swish' are those of the flat side.
// At infinities values and derivatives are the limits: silu(-inf) is -0, silu' (inf) is 1. Half floats compute in f32
// and round once.
//
// Values and derivatives are within 4 ulp (gelu: 6) of the larger of their terms, where these cancel as in the
// derivative of silu at -1.28. Where a result is exponentially small its exponent u adds 2 |u| ulp, and x times a
// number below the normal range is off by |x| steps more (tests/ends). Activations from leaky_relu to softsign and tan,
// sinh, cosh and log_add_exp are recorded as composites of their names; the others are so short that their ops say it.
#pragma once

#include "strata/ops/operands/operators.h"

namespace strata::ops {

/// name(x, at) for any handle, and its meaning on graph values.
#define STRATA_FUNCTION(name)                               \
  Value name(Value x);                                      \
  template <Handle V>                                       \
  V name(V x, Source at = Source::here()) {                 \
    return lift<V>(at, [](Value v) { return name(v); }, x); \
  }
STRATA_FUNCTION(relu)          ///< max(x, 0)
STRATA_FUNCTION(relu6)         ///< x between 0 and 6
STRATA_FUNCTION(selu)          ///< Klambauer et al. 2017: the fixed point of mean 0, variance 1
STRATA_FUNCTION(gelu)          ///< x Phi(x), by erf (Hendrycks and Gimpel 2016)
STRATA_FUNCTION(gelu_tanh)     ///< the tanh approximation of gelu
STRATA_FUNCTION(quick_gelu)    ///< x sigmoid(1.702 x), as in CLIP
STRATA_FUNCTION(silu)          ///< x sigmoid(x)
STRATA_FUNCTION(mish)          ///< x tanh(softplus(x))
STRATA_FUNCTION(hard_sigmoid)  ///< x / 6 + 1/2 between 0 and 1
STRATA_FUNCTION(hard_swish)    ///< x hard_sigmoid(x)
STRATA_FUNCTION(softplus)      ///< log(1 + e^x), without overflow
STRATA_FUNCTION(log_sigmoid)   ///< log(sigmoid(x)), without cancellation
STRATA_FUNCTION(softsign)      ///< x / (1 + |x|)
STRATA_FUNCTION(reciprocal)    ///< 1 / x
STRATA_FUNCTION(tan)
STRATA_FUNCTION(sinh)
STRATA_FUNCTION(cosh)
STRATA_FUNCTION(is_nan)  ///< bool
STRATA_FUNCTION(is_inf)  ///< bool
#undef STRATA_FUNCTION

/// x, or slope x below 0
Value leaky_relu(Value x, double slope = 0.01);
template <Handle V>
V leaky_relu(V x, double slope = 0.01, Source at = Source::here()) {
  return lift<V>(at, [=](Value v) { return leaky_relu(v, slope); }, x);
}
/// x, or alpha (e^x - 1) below 0
Value elu(Value x, double alpha = 1.0);
template <Handle V>
V elu(V x, double alpha = 1.0, Source at = Source::here()) {
  return lift<V>(at, [=](Value v) { return elu(v, alpha); }, x);
}
/// log(e^x + e^y), without overflow; -inf and -inf give -inf
Value log_add_exp(Value x, Value y);
template <Handle V>
V log_add_exp(V x, V y, Source at = Source::here()) {
  return lift<V>(at, [](Value a, Value b) { return log_add_exp(a, b); }, x, y);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::leaky_relu, ops::elu, ops::log_add_exp, ops::relu, ops::relu6, ops::selu, ops::gelu, ops::gelu_tanh,
    ops::quick_gelu, ops::silu, ops::mish, ops::hard_sigmoid, ops::hard_swish, ops::softplus, ops::log_sigmoid,
    ops::softsign, ops::reciprocal, ops::tan, ops::sinh, ops::cosh, ops::is_nan, ops::is_inf;

}  // namespace strata
