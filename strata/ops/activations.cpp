#include "strata/ops/activations.h"

#include <limits>

#include "strata/ops/composite.h"

namespace strata::ops {

// The constant stands first: at a tie the derivative goes to the first operand, so relu' (0) = 0.
Value relu(Value x) { return maximum(0, x); }
Value relu6(Value x) { return minimum(6, maximum(0, x)); }

Value leaky_relu(Value x, double slope) {
  return as_composite("leaky_relu", {Attr("slope", slope)}, [=](Value v) { return select(v > 0, v, v * slope); }, x);
}

// The exponential never sees a positive x: inf in the branch not taken would make its derivative NaN.
Value elu(Value x, double alpha) {
  const auto body = [=](Value v) { return select(v > 0, v, expm1(minimum(v, 0)) * alpha); };
  return as_composite("elu", {Attr("alpha", alpha)}, body, x);
}
Value selu(Value x) {
  return as_composite("selu", {}, [](Value v) { return elu(v, 1.6732632423543772) * 1.0507009873554805; }, x);
}

Value gelu(Value x) {
  return as_composite("gelu", {}, [](Value v) { return v * 0.5 * (erf(v * 0.70710678118654752) + 1); }, x);
}
Value gelu_tanh(Value x) {
  const auto body = [](Value v) {
    const Value inner = (v + v * v * v * 0.044715) * 0.79788456080286536;
    return v * 0.5 * (tanh(inner) + 1);
  };
  return as_composite("gelu_tanh", {}, body, x);
}
Value quick_gelu(Value x) {
  return as_composite("quick_gelu", {}, [](Value v) { return v * sigmoid(v * 1.702); }, x);
}
Value silu(Value x) {
  return as_composite("silu", {}, [](Value v) { return v * sigmoid(v); }, x);
}
Value mish(Value x) {
  return as_composite("mish", {}, [](Value v) { return v * tanh(softplus(v)); }, x);
}

Value hard_sigmoid(Value x) {
  return as_composite("hard_sigmoid", {}, [](Value v) { return clamp(v / 6 + 0.5, 0, 1); }, x);
}
Value hard_swish(Value x) {
  return as_composite("hard_swish", {}, [](Value v) { return v * (clamp(v + 3, 0, 6) / 6); }, x);
}

Value softplus(Value x) {
  const auto body = [](Value v) {
    // max(v, 0) as (v + |v|) / 2, whose derivative at 0 is the 1/2 that softplus has there.
    const Value magnitude = abs(v);
    return (v * 0.5 + magnitude * 0.5) + log1p(exp(-magnitude));
  };
  return as_composite("softplus", {}, body, x);
}
Value log_sigmoid(Value x) {
  return as_composite("log_sigmoid", {}, [](Value v) { return -softplus(-v); }, x);
}
Value softsign(Value x) {
  return as_composite("softsign", {}, [](Value v) { return v / (abs(v) + 1); }, x);
}

Value reciprocal(Value x) { return 1 / x; }
Value exp2(Value x) { return exp(x * 0.69314718055994531); }
Value log2(Value x) { return log(x) * 1.4426950408889634; }
Value log10(Value x) { return log(x) * 0.43429448190325183; }
Value tan(Value x) { return sin(x) / cos(x); }
Value sinh(Value x) {
  // With t = expm1(|x|): (t + t / (t + 1)) / 2 keeps small x and, halved early, large ones.
  const Value t = expm1(abs(x));
  return sign(x) * (t * 0.5 + t / (t + 1) * 0.5);
}
Value cosh(Value x) {
  const Value e = exp(abs(x) - 0.69314718055994531);  // e^|x| / 2: overflows where cosh does
  return e + 0.25 / e;
}

Value is_nan(Value x) { return ne(x, x); }
Value is_inf(Value x) { return eq(abs(x), std::numeric_limits<double>::infinity()); }

Value log_add_exp(Value x, Value y) {
  broadcast_together("log_add_exp", x, y);
  const Value high = maximum(x, y), low = minimum(x, y);
  // Equal infinities differ by NaN; their gap is 0.
  const Value gap = select(eq(high, low), 0, low - high);
  return high + log1p(exp(gap));
}

}  // namespace strata::ops
