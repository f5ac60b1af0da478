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

Value relu(Value x);                             ///< max(x, 0)
Value relu6(Value x);                            ///< x between 0 and 6
Value leaky_relu(Value x, double slope = 0.01);  ///< x, or slope x below 0
Value elu(Value x, double alpha = 1.0);          ///< x, or alpha (e^x - 1) below 0
Value selu(Value x);                             ///< Klambauer et al. 2017: the fixed point of mean 0, variance 1
Value gelu(Value x);                             ///< x Phi(x), by erf (Hendrycks and Gimpel 2016)
Value gelu_tanh(Value x);                        ///< the tanh approximation of gelu
Value quick_gelu(Value x);                       ///< x sigmoid(1.702 x), as in CLIP
Value silu(Value x);                             ///< x sigmoid(x)
Value mish(Value x);                             ///< x tanh(softplus(x))
Value hard_sigmoid(Value x);                     ///< x / 6 + 1/2 between 0 and 1
Value hard_swish(Value x);                       ///< x hard_sigmoid(x)
Value softplus(Value x);                         ///< log(1 + e^x), without overflow
Value log_sigmoid(Value x);                      ///< log(sigmoid(x)), without cancellation
Value softsign(Value x);                         ///< x / (1 + |x|)
Value reciprocal(Value x);                       ///< 1 / x
Value tan(Value x);
Value sinh(Value x);
Value cosh(Value x);
Value is_nan(Value x);                ///< bool
Value is_inf(Value x);                ///< bool
Value log_add_exp(Value x, Value y);  ///< log(e^x + e^y), without overflow; -inf and -inf give -inf

// On any handle. One line each, so that the table reads as a table.
// clang-format off
template <Handle V> V relu(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return relu(v); }, x); }
template <Handle V> V relu6(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return relu6(v); }, x); }
template <Handle V> V selu(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return selu(v); }, x); }
template <Handle V> V gelu(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return gelu(v); }, x); }
template <Handle V> V gelu_tanh(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return gelu_tanh(v); }, x); }
template <Handle V> V quick_gelu(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return quick_gelu(v); }, x); }
template <Handle V> V silu(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return silu(v); }, x); }
template <Handle V> V mish(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return mish(v); }, x); }
template <Handle V> V hard_sigmoid(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return hard_sigmoid(v); }, x); }
template <Handle V> V hard_swish(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return hard_swish(v); }, x); }
template <Handle V> V softplus(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return softplus(v); }, x); }
template <Handle V> V log_sigmoid(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return log_sigmoid(v); }, x); }
template <Handle V> V softsign(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return softsign(v); }, x); }
template <Handle V> V reciprocal(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return reciprocal(v); }, x); }
template <Handle V> V tan(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return tan(v); }, x); }
template <Handle V> V sinh(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return sinh(v); }, x); }
template <Handle V> V cosh(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return cosh(v); }, x); }
template <Handle V> V is_nan(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return is_nan(v); }, x); }
template <Handle V> V is_inf(V x, Source at = Source::here()) { return lift<V>(at, [](Value v) { return is_inf(v); }, x); }
template <Handle V> V leaky_relu(V x, double slope = 0.01, Source at = Source::here()) { return lift<V>(at, [=](Value v) { return leaky_relu(v, slope); }, x); }
template <Handle V> V elu(V x, double alpha = 1.0, Source at = Source::here()) { return lift<V>(at, [=](Value v) { return elu(v, alpha); }, x); }
template <Handle V> V log_add_exp(V x, V y, Source at = Source::here()) { return lift<V>(at, [](Value a, Value b) { return log_add_exp(a, b); }, x, y); }
// clang-format on

}  // namespace strata::ops
