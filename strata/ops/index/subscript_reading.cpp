#include "strata/ops/index/subscript_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/arrange.h"
#include "strata/ops/shape/dimension.h"

namespace strata::ops {
namespace {

using Kind = Subscript<Value>::Kind;

[[noreturn]] void fail(Value x, base::ErrorCode code, const std::string& message, const std::string& hint = "") {
  base::Error error(code, "subscript: " + message);
  if (const std::string where = x.graph().location().str(); !where.empty()) error.note("recorded at " + where);
  if (!hint.empty()) error.hint(hint);
  throw error;
}

/// Makes `d >= 0` a fact of the program where d is a multiple of one symbol and a constant.
void assume_not_negative(Value x, Dim d) {
  Graph& graph = x.graph();
  if (d.is_constant() || graph.facts().range(d).first >= 0) return;
  if (graph.facts().mentions_count(d))
    fail(x, base::code::kUnknownCount,
         fmt::format("needs {} to be 0 or more, and {} has a dimension that is counted while the program runs", d.str(),
                     x.type().str()),
         "take needs no such bound: it clamps, or reads 0 with OutOfRange::Fill");
  std::vector<std::string> names;
  d.collect_symbols(names);
  if (names.size() != 1) return;
  auto at = [&](int64_t value) { return d.evaluate([&](std::string_view) { return value; }); };
  const int64_t constant = at(0), factor = at(1) - constant;
  if (factor == 0 || !(d == Dim(factor) * Dim::symbol(names[0]) + Dim(constant))) return;
  if (factor > 0)
    graph.facts().add({names[0], (-constant + factor - 1) / factor, INT64_MAX, 1});
  else
    graph.facts().add({names[0], 0, constant / -factor, 1});
}

bool is_negative(Dim d) { return d.is_constant() && d.constant() < 0; }

AxisRead read_position(Value x, int axis, Dim position) {
  const Dim extent = x.type().dim(axis), at = is_negative(position) ? extent + position : position;
  if (is_negative(at) || is_negative(extent - at - 1))
    fail(x, base::code::kIndexOutOfRange,
         fmt::format("index {} is out of range for axis {} of {}", position.str(), axis, x.type().str()));
  assume_not_negative(x, at);
  assume_not_negative(x, extent - at - 1);
  return {.range = {at, at + 1}, .is_dropped = true};
}

AxisRead read_slice(Value x, int axis, const Slice& slice) {
  if (slice.step == 0) fail(x, base::code::kAttributeValue, fmt::format("the step of axis {} is 0", axis));
  const Dim extent = x.type().dim(axis);
  const bool is_back = slice.step < 0;
  const Dim lowest = is_back ? -1 : 0, highest = is_back ? extent - 1 : extent;
  auto bound = [&](std::optional<Dim> given, Dim otherwise) {
    if (!given) return otherwise;
    const Dim d = is_negative(*given) ? extent + *given : *given;
    return d.is_constant() && extent.is_constant() ? min(max(d, lowest), highest) : d;
  };
  const Dim first = bound(slice.first, is_back ? highest : lowest);
  const Dim limit = bound(slice.limit, is_back ? lowest : highest);
  const Dim span = is_back ? first - limit : limit - first;
  if (is_negative(span)) return {.range = {0, Dim(0)}};
  assume_not_negative(x, span);
  assume_not_negative(x, is_back ? extent - first - 1 : extent - limit);
  if (!is_back) return {.range = {first, limit, slice.step}};
  const Dim step = -slice.step, count = ceil_div(span, step);
  if (count == Dim(0)) return {.range = {0, Dim(0)}};
  return {.range = {first - (count - 1) * step, first + 1, step}, .is_reversed = true};
}

AxisRead read_indices(Value x, int axis, Value indices) {
  if (indices.dtype() == DType::boolean)
    fail(x, base::code::kOperandTypes,
         "a boolean mask picks a number of elements that is only known when the program runs",
         "compact(x, mask) picks them along an axis; where(mask, value, x) replaces elements; x * cast(mask, "
         "x.dtype()) and sums keep the shape");
  if (ir::is_float(indices.dtype()))
    fail(x, base::code::kOperandTypes, "indices are integers, found " + indices.type().str());
  AxisRead read;
  read.indices = indices;
  if (ir::is_signed_int(indices.dtype())) {
    const Value at = cast(indices, DType::i64);
    const Dim extent = x.type().dim(axis);
    const Value n =
        extent.is_constant() ? scalar(x.graph(), DType::i64, extent.constant()) : dimension(x.graph(), extent);
    read.indices = select(lt(at, 0), at + n, at);
  }
  return read;
}

}  // namespace

SubscriptReading read_subscripts(Value x, const std::vector<Subscript<Value>>& list) {
  int given = 0, ellipses = 0;
  for (const auto& s : list) {
    given += s.kind != Kind::NewAxis && s.kind != Kind::Ellipsis;
    ellipses += s.kind == Kind::Ellipsis;
  }
  if (given > x.rank()) fail(x, base::code::kAxis, fmt::format("{} indices for {}", given, x.type().str()));
  if (ellipses > 1) fail(x, base::code::kAxis, "more than one ellipsis");
  SubscriptReading reading;
  auto add = [&](AxisRead read) {
    reading.order.push_back(reading.axes.size());
    reading.axes.push_back(std::move(read));
  };
  auto add_whole = [&](int count) {
    for (int i = 0; i < count; ++i) add({});
  };
  for (const auto& s : list) {
    const int axis = reading.axes.size();
    if (s.kind == Kind::Position) add(read_position(x, axis, s.position));
    if (s.kind == Kind::Slice) add(read_slice(x, axis, s.slice));
    if (s.kind == Kind::Indices) add(read_indices(x, axis, *s.indices));
    if (s.kind == Kind::NewAxis) reading.order.push_back(SubscriptReading::kNew);
    if (s.kind == Kind::Ellipsis) add_whole(x.rank() - given);
  }
  add_whole(x.rank() - std::ssize(reading.axes));
  return reading;
}

namespace {

/// All index tensors at one shape, as [i..., n].
Value joined_indices(std::vector<Value> indices) {
  for (size_t round = 0; round < 2; ++round)  // the second brings the first ones to the shape of the last
    for (size_t i = 1; i < indices.size(); ++i) broadcast_together("subscript", indices[0], indices[i]);
  for (Value& v : indices) v = expand_dims(cast(v, DType::i64), -1);
  return concat(indices, -1);
}

}  // namespace

PickedPoints points_of(const SubscriptReading& reading) {
  PickedPoints points;
  std::vector<Value> indices;
  for (size_t a = 0; a < reading.axes.size(); ++a) {
    if (!reading.axes[a].indices) continue;
    points.axes.push_back(a);
    indices.push_back(reading.axes[a].indices);
  }
  if (indices.empty()) return points;
  points.positions = indices.size() == 1 ? expand_dims(indices[0], -1) : joined_indices(indices);
  points.shape.assign(points.positions.shape().begin(), points.positions.shape().end() - 1);
  for (int64_t a = points.axes.front(); a < points.axes.back(); ++a) {
    const AxisRead& axis = reading.axes[a];
    points.is_in_front = points.is_in_front || !(axis.indices || axis.is_dropped);
  }
  return points;
}

Shape subscript_shape(const SubscriptReading& reading, const PickedPoints& points, std::span<const Dim> kept) {
  Shape shape;
  bool has_points = false;
  auto add_points = [&] {
    if (!std::exchange(has_points, true)) shape.insert(shape.end(), points.shape.begin(), points.shape.end());
  };
  if (points.is_in_front) add_points();
  for (int axis : reading.order) {
    if (axis == SubscriptReading::kNew) {
      shape.push_back(1);
      continue;
    }
    const AxisRead& read = reading.axes[axis];
    if (read.indices) add_points();
    if (!read.indices && !read.is_dropped) shape.push_back(kept[axis]);
  }
  return shape;
}

}  // namespace strata::ops
