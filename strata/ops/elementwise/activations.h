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
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

#define STRATA_ACTIVATION(name) STRATA_FUNCTION(name, (x), (), ())
STRATA_ACTIVATION(relu)          ///< max(x, 0)
STRATA_ACTIVATION(relu6)         ///< x between 0 and 6
STRATA_ACTIVATION(selu)          ///< Klambauer et al. 2017: the fixed point of mean 0, variance 1
STRATA_ACTIVATION(gelu)          ///< x Phi(x), by erf (Hendrycks and Gimpel 2016)
STRATA_ACTIVATION(gelu_tanh)     ///< the tanh approximation of gelu
STRATA_ACTIVATION(quick_gelu)    ///< x sigmoid(1.702 x), as in CLIP
STRATA_ACTIVATION(silu)          ///< x sigmoid(x)
STRATA_ACTIVATION(mish)          ///< x tanh(softplus(x))
STRATA_ACTIVATION(hard_sigmoid)  ///< x / 6 + 1/2 between 0 and 1
STRATA_ACTIVATION(hard_swish)    ///< x hard_sigmoid(x)
STRATA_ACTIVATION(softplus)      ///< log(1 + e^x), without overflow
STRATA_ACTIVATION(log_sigmoid)   ///< log(sigmoid(x)), without cancellation
STRATA_ACTIVATION(softsign)      ///< x / (1 + |x|)
STRATA_ACTIVATION(reciprocal)    ///< 1 / x
STRATA_ACTIVATION(tan)
STRATA_ACTIVATION(sinh)
STRATA_ACTIVATION(cosh)
STRATA_ACTIVATION(is_nan)  ///< bool
STRATA_ACTIVATION(is_inf)  ///< bool
#undef STRATA_ACTIVATION

/// x, or slope x below 0
STRATA_FUNCTION(leaky_relu, (x), (double slope = 0.01), (slope))
/// x, or alpha (e^x - 1) below 0
STRATA_FUNCTION(elu, (x), (double alpha = 1.0), (alpha))
/// log(e^x + e^y), without overflow; -inf and -inf give -inf
STRATA_FUNCTION(log_add_exp, (x, y), (), ())

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::leaky_relu, ops::elu, ops::log_add_exp, ops::relu, ops::relu6, ops::selu, ops::gelu, ops::gelu_tanh,
    ops::quick_gelu, ops::silu, ops::mish, ops::hard_sigmoid, ops::hard_swish, ops::softplus, ops::log_sigmoid,
    ops::softsign, ops::reciprocal, ops::tan, ops::sinh, ops::cosh, ops::is_nan, ops::is_inf;

}  // namespace strata
