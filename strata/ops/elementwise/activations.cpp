#include "strata/ops/elementwise/activations.h"

#include <limits>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/operands/operand_check.h"

namespace strata::ops {

namespace {

double largest(Value like) {
  return like.dtype() == DType::f64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
}
/// For a factor beside one that is 0 where x is infinite: 0 * inf would be NaN.
Value at_least_finite(Value x) { return maximum(x, -largest(x)); }
Value finite(Value x) { return clamp(x, -largest(x), largest(x)); }

/// |x| with the derivative 1 at 0: for formulas that are smooth there, all derivatives of which then are right.
Value magnitude(Value x) { return select(x < 0, -x, x); }

/// sigmoid(x) and sigmoid(-x), each with all its digits. Values and slopes both use it, so that a kernel with both
/// computes one exponential.
struct Logistic {
  Value at, rest;
};
Logistic logistic(Value x) {
  const Value e = exp(-magnitude(x)), near = 1 / (e + 1), far = e * near;
  return {select(x < 0, far, near), select(x < 0, near, far)};
}

/// x sigmoid(c x), and its slope.
Value swish(Value x, double c) { return at_least_finite(x) * logistic(x * c).at; }
Value swish_slope(Value x, double c) {
  const Logistic gate = logistic(x * c);
  return gate.at + gate.at * finite(x) * (gate.rest * c);
}

constexpr double kRootHalf = 0.70710678118654752, kTwiceRootOfTwoByPi = 1.5957691216057308;

Value half_erfc(Value x) { return erfc(x * -kRootHalf) * 0.5; }
Value gelu_slope(Value x) { return half_erfc(x) + finite(x) * (exp(x * x * -0.5) * 0.39894228040143268); }

/// u of gelu_tanh, whose gate (1 + tanh(u / 2)) / 2 is sigmoid(u). Beyond |x| = 30 it is 0 or 1.
Value gelu_tanh_exponent(Value x) { return (x + x * x * x * 0.044715) * kTwiceRootOfTwoByPi; }
Value gelu_tanh_value(Value x) { return at_least_finite(x) * logistic(gelu_tanh_exponent(clamp(x, -30, 30))).at; }
Value gelu_tanh_slope(Value x) {
  const Value near = clamp(x, -30, 30);
  const Logistic gate = logistic(gelu_tanh_exponent(near));
  return gate.at * (near * ((near * near * 0.134145 + 1) * kTwiceRootOfTwoByPi) * gate.rest + 1);
}

/// tanh(softplus(x)) is q / (q + 2) with q = e^x (e^x + 2): written with e^-|x|, which can't overflow.
struct MishGate {
  Value at, slope;
};
MishGate mish_gate(Value x) {
  const Value n = exp(-magnitude(x)), is_left = x < 0;
  const Value top = select(is_left, n * (n + 2), n * 2.0 + 1);
  const Value bottom = top + select(is_left, 2, n * n * 2.0);
  return {top / bottom, n * (n + 1) * select(is_left, 1, n) * 4.0 / (bottom * bottom)};
}

Value softsign_slope(Value x) {
  const Value reciprocal = 1 / (abs(x) + 1);
  return reciprocal * reciprocal;
}

/// log(1 + e^-|x|), what softplus is above max(x, 0).
Value softplus_rest(Value x) { return log1p(exp(-abs(x))); }

/// With t = expm1(|x|): (t + t / (t + 1)) / 2 keeps small x. Large ones are e^(|x|/2) squared, which overflows where
/// sinh does.
Value sinh_of(Value x) {
  const Value size = magnitude(x), t = expm1(minimum(size, 30)), e = exp(size * 0.5);
  const Value right = select(size > 30, e * 0.5 * e, (t + t / (t + 1)) * 0.5);
  return select(x < 0, -right, right);
}
Value cosh_of(Value x) {
  const Value e = exp(x * 0.5);
  return e * 0.5 * e + 0.5 / e / e;
}

Value log_add_exp_of(Value x, Value y) {
  // Equal infinities differ by NaN; their distance is 0.
  auto distance = [](Value a, Value b) { return select(bitwise_and(eq(a, b), is_inf(a)), 0, a - b); };
  return with_slopes(
      x, y, [&](Value a, Value b) { return maximum(a, b) + softplus_rest(distance(a, b)); },
      [&](Value a, Value b) { return sigmoid(distance(a, b)); },
      [&](Value a, Value b) { return sigmoid(distance(b, a)); });
}

/// A composite of one formula with a slope of its own.
Value smooth(std::string_view name, Value x, const Formula& value, const Formula& slope) {
  require_floats(name, x);
  return as_composite(name, {}, [&](Value v) { return with_slope(v, value, slope); }, x);
}

}  // namespace

// The constant stands first: at a tie the derivative goes to the first operand, so relu' (0) = 0.
Value relu(Value x) { return maximum(0, x); }
Value relu6(Value x) { return minimum(6, maximum(0, x)); }

Value leaky_relu(Value x, double slope) {
  require_floats("leaky_relu", x);
  base::OptionCheck(base::code::kAttributeValue, "leaky_relu").number("slope", slope, base::Bounds::finite());
  return as_composite("leaky_relu", {Attr("slope", slope)}, [=](Value v) { return select(v > 0, v, v * slope); }, x);
}

// The exponential never sees a positive x: inf in the branch not taken would make its derivative NaN.
Value elu(Value x, double alpha) {
  require_floats("elu", x);
  base::OptionCheck(base::code::kAttributeValue, "elu").number("alpha", alpha, base::Bounds::finite());
  const auto body = [=](Value v) { return select(v > 0, v, expm1(minimum(v, 0)) * alpha); };
  return as_composite("elu", {Attr("alpha", alpha)}, body, x);
}
Value selu(Value x) {
  require_floats("selu", x);
  return as_composite("selu", {}, [](Value v) { return elu(v, 1.6732632423543772) * 1.0507009873554805; }, x);
}

Value gelu(Value x) {
  return smooth("gelu", x, [](Value v) { return at_least_finite(v) * half_erfc(v); }, gelu_slope);
}
Value gelu_tanh(Value x) { return smooth("gelu_tanh", x, gelu_tanh_value, gelu_tanh_slope); }
Value quick_gelu(Value x) {
  return smooth(
      "quick_gelu", x, [](Value v) { return swish(v, 1.702); }, [](Value v) { return swish_slope(v, 1.702); });
}
Value silu(Value x) {
  return smooth("silu", x, [](Value v) { return swish(v, 1); }, [](Value v) { return swish_slope(v, 1); });
}
Value mish(Value x) {
  return smooth(
      "mish", x, [](Value v) { return at_least_finite(v) * mish_gate(v).at; },
      [](Value v) {
        const MishGate gate = mish_gate(v);
        return gate.at + finite(v) * gate.slope;
      });
}

Value hard_sigmoid(Value x) {
  require_floats("hard_sigmoid", x);
  return as_composite("hard_sigmoid", {}, [](Value v) { return (minimum(3, maximum(-3, v)) + 3) / 6; }, x);
}
Value hard_swish(Value x) {
  require_floats("hard_swish", x);
  return as_composite("hard_swish", {}, [](Value v) { return maximum(-3, v) * hard_sigmoid(v); }, x);
}

Value softplus(Value x) {
  return smooth(
      "softplus", x, [](Value v) { return maximum(v, 0) + softplus_rest(v); }, [](Value v) { return sigmoid(v); });
}
Value log_sigmoid(Value x) {
  return smooth(
      "log_sigmoid", x, [](Value v) { return minimum(v, 0) - softplus_rest(v); }, [](Value v) { return sigmoid(-v); });
}
Value softsign(Value x) {
  return smooth("softsign", x, [](Value v) { return finite(v) / (abs(finite(v)) + 1); }, softsign_slope);
}

Value reciprocal(Value x) { return 1 / x; }
Value tan(Value x) {
  return smooth(
      "tan", x, [](Value v) { return sin(v) / cos(v); },
      [](Value v) {
        const Value secant = 1 / cos(v);
        return secant * secant;
      });
}
Value sinh(Value x) { return smooth("sinh", x, sinh_of, cosh_of); }
Value cosh(Value x) { return smooth("cosh", x, cosh_of, sinh_of); }

Value is_nan(Value x) { return ne(x, x); }
Value is_inf(Value x) { return eq(abs(x), std::numeric_limits<double>::infinity()); }

Value log_add_exp(Value x, Value y) {
  require_floats("log_add_exp", x);
  broadcast_together("log_add_exp", x, y);
  return as_composite("log_add_exp", {}, log_add_exp_of, x, y);
}

}  // namespace strata::ops
