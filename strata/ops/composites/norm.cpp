#include "strata/ops/composites/norm.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

Value widened(Value x) { return cast(x, accumulation_dtype(x.dtype())); }

/// y * weight + bias with both spread along `axes` of y.
Value scaled(Value y, Value weight, Value bias, const Ints& axes) {
  if (weight) y = y * broadcast(cast(weight, y.dtype()), y.shape(), axes);
  if (bias) y = y + broadcast(cast(bias, y.dtype()), y.shape(), axes);
  return y;
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`.
Value standardised(Value x, const Ints& axes, double epsilon) {
  const Value centred = x - spread(mean(x, axes), x, axes);
  const Value scale = rsqrt(mean(centred * centred, axes) + epsilon);
  return centred * spread(scale, x, axes);
}

/// Every axis but the channels.
Ints all_but_channels(Value x, const char* name) {
  if (x.rank() < 2)
    throw base::Error(base::code::kOperandShapes, fmt::format("{}: x is [N, C, ...], found {}", name, x.type().str()));
  return other_axes(ints_span({1}), x.rank());
}

/// x [N, C, ...] of floats, and what has an element for each channel.
void check_channels(const char* name, Value x, std::initializer_list<std::pair<std::string_view, Value>> of_channels) {
  require_floats(name, x);
  all_but_channels(x, name);
  const Dim channels[] = {x.type().dim(1)};
  for (const auto& [field, value] : of_channels) require_shape(name, field, value, channels, x);
}

Value layer_norm_of(Value x, Value weight, Value bias, int64_t axes, double epsilon) {
  const Ints last = iota_ints(x.rank() - axes, axes);
  return cast(scaled(standardised(widened(x), last, epsilon), weight, bias, last), x.dtype());
}

Value rms_norm_of(Value x, Value weight, double epsilon) {
  const Ints last{x.rank() - 1};
  const Value wide = widened(x);
  const Value scale = rsqrt(mean(wide * wide, last) + epsilon);
  return cast(scaled(wide * spread(scale, wide, last), weight, Value{}, last), x.dtype());
}

Value group_norm_of(Value x, int64_t groups, Value weight, Value bias, double epsilon) {
  const Shape shape = shape_of(x);
  const Dim size = floor_div(x.type().elements(), shape[0] * Dim(groups));
  const Value apart = reshape(widened(x), {shape[0], Dim(groups), size});
  const Value y = reshape(standardised(apart, {2}, epsilon), shape);
  return cast(scaled(y, weight, bias, {1}), x.dtype());
}

std::array<Value, 3> batch_norm_train_of(Value x, Value weight, Value bias, double epsilon) {
  const Ints others = all_but_channels(x, "batch_norm");
  const Value wide = widened(x);
  const auto [m, squares, v] = moments(wide, others);
  const Value y = (wide - spread(m, wide, others)) * spread(rsqrt(v + epsilon), wide, others);
  return {cast(scaled(y, weight, bias, {1}), x.dtype()), m, v};
}

Value batch_norm_with_of(Value x, Value mean, Value variance, Value weight, Value bias, double epsilon) {
  const Ints others = all_but_channels(x, "batch_norm");
  const Value wide = widened(x);
  const Value centred = wide - spread(cast(mean, wide.dtype()), wide, others);
  const Value y = centred * spread(rsqrt(cast(variance, wide.dtype()) + epsilon), wide, others);
  return cast(scaled(y, weight, bias, {1}), x.dtype());
}

}  // namespace

Value layer_norm(Value x, Value weight, Value bias, int64_t axes, double epsilon) {
  base::OptionCheck(base::code::kAttributeValue, "layer_norm").number("epsilon", epsilon, kNormEpsilon);
  if (axes < 1 || axes > x.rank())
    throw base::Error(base::code::kAxis, fmt::format("layer_norm: {} axes of {}", axes, x.type().str()));
  require_floats("layer_norm", x);
  const auto last = x.shape().subspan(x.rank() - axes);
  require_shape("layer_norm", "weight", weight, last, x);
  require_shape("layer_norm", "bias", bias, last, x);
  return as_composite(
      "layer_norm", {Attr("axes", axes), Attr("epsilon", epsilon)},
      [&](Value v, Value w, Value b) { return layer_norm_of(v, w, b, axes, epsilon); }, x, weight, bias);
}

Value rms_norm(Value x, Value weight, double epsilon) {
  base::OptionCheck(base::code::kAttributeValue, "rms_norm").number("epsilon", epsilon, kNormEpsilon);
  require_floats("rms_norm", x);
  if (x.rank() == 0) throw base::Error(base::code::kAxis, "rms_norm: " + x.type().str() + " has no last axis");
  require_shape("rms_norm", "weight", weight, x.shape().last(1), x);
  return as_composite(
      "rms_norm", {Attr("epsilon", epsilon)}, [&](Value v, Value w) { return rms_norm_of(v, w, epsilon); }, x, weight);
}

Value group_norm(Value x, int64_t groups, Value weight, Value bias, double epsilon) {
  base::OptionCheck(base::code::kAttributeValue, "group_norm").number("epsilon", epsilon, kNormEpsilon);
  check_channels("group_norm", x, {{"weight", weight}, {"bias", bias}});
  const Dim channels = x.type().dim(1);
  if (groups < 1 || (channels.is_constant() && channels.constant() % groups != 0))
    throw base::Error(base::code::kAttributeValue,
                      fmt::format("group_norm: {} channels don't divide into {} groups", channels.str(), groups));
  return as_composite(
      "group_norm", {Attr("groups", groups), Attr("epsilon", epsilon)},
      [&](Value v, Value w, Value b) { return group_norm_of(v, groups, w, b, epsilon); }, x, weight, bias);
}

BatchNorm batch_norm_train(Value x, Value weight, Value bias, double epsilon) {
  base::OptionCheck(base::code::kAttributeValue, "batch_norm").number("epsilon", epsilon, kNormEpsilon);
  check_channels("batch_norm", x, {{"weight", weight}, {"bias", bias}});
  const auto [y, mean, variance] = as_composite(
      "batch_norm_train", {Attr("epsilon", epsilon)},
      [&](Value v, Value w, Value b) { return batch_norm_train_of(v, w, b, epsilon); }, x, weight, bias);
  return {y, mean, variance};
}

Value batch_norm_with(Value x, Value mean, Value variance, Value weight, Value bias, double epsilon) {
  base::OptionCheck(base::code::kAttributeValue, "batch_norm").number("epsilon", epsilon, kNormEpsilon);
  check_channels("batch_norm", x, {{"mean", mean}, {"variance", variance}, {"weight", weight}, {"bias", bias}});
  return as_composite(
      "batch_norm_with", {Attr("epsilon", epsilon)},
      [&](Value v, Value m, Value s, Value w, Value b) { return batch_norm_with_of(v, m, s, w, b, epsilon); }, x, mean,
      variance, weight, bias);
}

RunningStatistics running_statistics(Value x, const RunningStatistics& before, const BatchNorm& batch,
                                     double momentum) {
  base::OptionCheck(base::code::kAttributeValue, "running_statistics")
      .number("momentum", momentum, base::Bounds::between(0, 1));
  check_channels("running_statistics", x,
                 {{"mean before", before.mean},
                  {"variance before", before.variance},
                  {"mean", batch.mean},
                  {"variance", batch.variance}});
  const Dim count = floor_div(x.type().elements(), x.type().dim(1));
  const DType dtype = before.variance.dtype();
  const Value n = cast(dimension(x.graph(), count), dtype);
  const auto from = [&](int64_t least, Value now, Value then) {
    if (count.is_constant()) return count.constant() >= least ? now : then;
    return select(ge<Value>(n, static_cast<double>(least)), now, then);
  };
  const auto moved = [&](Value then, Value now) { return then * (1 - momentum) + cast(now, then.dtype()) * momentum; };
  const Value unbiased = cast(batch.variance, dtype) * (n / (n - 1.0));
  return {from(1, moved(before.mean, batch.mean), before.mean),
          from(2, moved(before.variance, unbiased), before.variance), from(1, before.batches + 1.0, before.batches)};
}

}  // namespace strata::ops
