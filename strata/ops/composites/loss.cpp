#include "strata/ops/composites/loss.h"

#include <fmt/format.h>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"

namespace strata::ops {
namespace {

Value reduced(Value x, Reduction reduction) {
  if (reduction == Reduction::None) return x;
  return reduction == Reduction::Sum ? reduce_sum(x, axes_of({}, x.rank(), "sum", true)) : mean(x, {});
}

/// The composite of a loss, after the checks that all of them share.
template <class Body>
Value loss_of(std::string_view name, Value x, Value y, std::initializer_list<Attr> attrs, Body&& body) {
  require_floats(name, x);
  if (x.type() == y.type()) return as_composite(name, attrs, body, x, y);
  ir::note_unproved(x.shape(), y.shape());
  throw base::Error(base::code::kOperandShapes,
                    fmt::format("{}: prediction and target differ: {} and {}", name, x.type().str(), y.type().str()))
      .note("recorded at " + x.graph().location().str());
}

/// The same for a loss whose reduction is over all of its elements.
template <class Each>
Value elementwise_loss(std::string_view name, Value x, Value y, Reduction reduction, Each&& each) {
  require_choice(name, "reduction", reduction, 3);
  return loss_of(name, x, y, {Attr("reduction", reduction_name(reduction))},
                 [&](Value a, Value b) { return reduced(each(a, b), reduction); });
}

Value huber_each(Value x, Value y, double delta) {
  const Value distance = abs(x - y), inside = minimum(distance, delta);
  return inside * (distance - inside * 0.5);
}

/// The slope by p is (p - y) / (p (1 - p)) with a denominator of at least 1e-12, as PyTorch has it: 0 where p equals y,
/// and finite at p = 0 and 1, where that of the logarithms is not.
Value bce_each(Value p, Value y) {
  auto log_of = [](Value x) { return maximum(log(x), -100); };
  auto log_of_rest = [](Value x) { return maximum(log1p(-x), -100); };
  return with_slopes(
      p, y, [&](Value a, Value b) { return -(b * log_of(a) + (1 - b) * log_of_rest(a)); },
      [](Value a, Value b) { return (a - b) / maximum(a * (1 - a), 1e-12); },
      [&](Value a, Value) { return log_of_rest(a) - log_of(a); });
}

/// softplus(x) - x y without cancellation where y is near the class that x speaks for: |x| times the distance of y from
/// that class, and log(1 + e^-|x|) more.
Value bce_with_logits_each(Value x, Value y) {
  auto value = [](Value a, Value b) {
    const Value distance = select(a > 0, 1 - b, b);
    return select(eq(distance, 0), 0, abs(a) * distance) + log1p(exp(-abs(a)));
  };
  auto slope = [](Value a, Value b) { return select(a > 0, 1 - b - sigmoid(-a), sigmoid(a) - b); };
  return with_slopes(x, y, value, slope, [](Value a, Value) { return -a; });
}

Value kl_div_of(Value log_q, Value y, Reduction reduction) {
  // Both operands are hidden where y is 0: the slope by y is 0 there, not 0 times log q, which may be -inf.
  const Value is_positive = y > 0;
  const Value each = select(is_positive, y * (log(select(is_positive, y, 1)) - select(is_positive, log_q, 0)), 0);
  if (reduction != Reduction::Mean || each.rank() == 0) return reduced(each, reduction);
  return mean(reduce_sum(each, iota_ints(1, each.rank() - 1)), {});
}

}  // namespace

Value mse(Value x, Value y, Reduction reduction) {
  return elementwise_loss("mse", x, y, reduction, [](Value a, Value b) { return square(a - b); });
}
Value l1(Value x, Value y, Reduction reduction) {
  return elementwise_loss("l1", x, y, reduction, [](Value a, Value b) { return abs(a - b); });
}
Value huber(Value x, Value y, double delta, Reduction reduction) {
  base::OptionCheck(base::code::kAttributeValue, "huber").number("delta", delta, base::Bounds::above(0));
  require_choice("huber", "reduction", reduction, 3);
  return loss_of("huber", x, y, {Attr("delta", delta), Attr("reduction", reduction_name(reduction))},
                 [&](Value a, Value b) { return reduced(huber_each(a, b, delta), reduction); });
}
Value bce(Value p, Value y, Reduction reduction) { return elementwise_loss("bce", p, y, reduction, bce_each); }
Value bce_with_logits(Value x, Value y, Reduction reduction) {
  return elementwise_loss("bce_with_logits", x, y, reduction, bce_with_logits_each);
}
Value kl_div(Value log_q, Value y, Reduction reduction) {
  require_choice("kl_div", "reduction", reduction, 3);
  return loss_of("kl_div", log_q, y, {Attr("reduction", reduction_name(reduction))},
                 [&](Value a, Value b) { return kl_div_of(a, b, reduction); });
}

}  // namespace strata::ops
