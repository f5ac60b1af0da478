#include "strata/ops/subscript.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/ops/creation.h"
#include "strata/ops/dimension.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/index.h"
#include "strata/ops/operators.h"
#include "strata/ops/shape.h"

namespace strata::ops {
namespace {

using Kind = Subscript<Value>::Kind;

[[noreturn]] void fail(Value x, std::string_view code, const std::string& message, const std::string& hint = "") {
  base::Error error(code, "subscript: " + message);
  if (const std::string where = x.graph().location().str(); !where.empty()) error.note("recorded at " + where);
  if (!hint.empty()) error.hint(hint);
  throw error;
}

/// What one axis of x gives.
struct AxisRead {
  Range range;
  bool is_reversed = false, is_dropped = false;
  Value indices;  ///< null: none
};
/// The list with its ellipsis written out: what each axis gives, and the axes of the result in order.
struct Reading {
  std::vector<AxisRead> axes;
  std::vector<int> order;  ///< axis of x; kNew: a new one
  static constexpr int kNew = -1;
};

/// Makes `d >= 0` a fact of the program where d is a multiple of one symbol and a constant.
void assume_not_negative(Graph& graph, Dim d) {
  if (d.is_constant() || graph.facts().range(d).first >= 0) return;
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
    fail(x, "E0118", fmt::format("index {} is out of range for axis {} of {}", position.str(), axis, x.type().str()));
  assume_not_negative(x.graph(), at);
  assume_not_negative(x.graph(), extent - at - 1);
  return {.range = {at, at + 1}, .is_dropped = true};
}

AxisRead read_slice(Value x, int axis, const Slice& slice) {
  if (slice.step == 0) fail(x, "E0116", fmt::format("the step of axis {} is 0", axis));
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
  assume_not_negative(x.graph(), span);
  assume_not_negative(x.graph(), is_back ? extent - first - 1 : extent - limit);
  if (!is_back) return {.range = {first, limit, slice.step}};
  const Dim step = -slice.step, count = ceil_div(span, step);
  if (count == Dim(0)) return {.range = {0, Dim(0)}};
  return {.range = {first - (count - 1) * step, first + 1, step}, .is_reversed = true};
}

AxisRead read_indices(Value x, int axis, Value indices) {
  if (indices.dtype() == DType::boolean)
    fail(x, "E0100", "a boolean mask picks a number of elements that is only known when the program runs",
         "where(mask, value, x) replaces elements; x * cast(mask, x.dtype()) and sums keep the shape");
  if (ir::is_float(indices.dtype())) fail(x, "E0100", "indices are integers, found " + indices.type().str());
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

Reading read_list(Value x, const std::vector<Subscript<Value>>& list) {
  int given = 0, ellipses = 0;
  for (const auto& s : list) {
    given += s.kind != Kind::NewAxis && s.kind != Kind::Ellipsis;
    ellipses += s.kind == Kind::Ellipsis;
  }
  if (given > x.rank()) fail(x, "E0115", fmt::format("{} indices for {}", given, x.type().str()));
  if (ellipses > 1) fail(x, "E0115", "more than one ellipsis");
  Reading reading;
  auto add = [&](AxisRead read) {
    reading.order.push_back(static_cast<int>(reading.axes.size()));
    reading.axes.push_back(std::move(read));
  };
  auto add_whole = [&](int count) {
    for (int i = 0; i < count; ++i) add({});
  };
  for (const auto& s : list) {
    const int axis = static_cast<int>(reading.axes.size());
    if (s.kind == Kind::Position) add(read_position(x, axis, s.position));
    if (s.kind == Kind::Slice) add(read_slice(x, axis, s.slice));
    if (s.kind == Kind::Indices) add(read_indices(x, axis, *s.indices));
    if (s.kind == Kind::NewAxis) reading.order.push_back(Reading::kNew);
    if (s.kind == Kind::Ellipsis) add_whole(x.rank() - given);
  }
  add_whole(x.rank() - static_cast<int>(reading.axes.size()));
  return reading;
}

/// All index tensors at one shape, as [i..., n].
Value joined_indices(std::vector<Value> indices) {
  for (size_t round = 0; round < 2; ++round)  // the second brings the first ones to the shape of the last
    for (size_t i = 1; i < indices.size(); ++i) broadcast_together("subscript", indices[0], indices[i]);
  for (Value& v : indices) v = expand_dims(cast(v, DType::i64), -1);
  return concat(indices, -1);
}

/// Picks the points; `where` gets the axis of the result at which the axes of the indices begin.
Value pick(Value x, const Reading& reading, Shape& index_shape, bool& is_in_front) {
  Ints axes;
  std::vector<Value> indices;
  for (size_t a = 0; a < reading.axes.size(); ++a)
    if (reading.axes[a].indices) axes.push_back(static_cast<int64_t>(a)), indices.push_back(reading.axes[a].indices);
  if (axes.empty()) return x;
  const Value joined = axes.size() == 1 ? expand_dims(indices[0], -1) : joined_indices(indices);
  index_shape.assign(joined.shape().begin(), joined.shape().end() - 1);
  for (int64_t a = axes.front(); a < axes.back(); ++a)
    is_in_front = is_in_front || !(reading.axes[a].indices || reading.axes[a].is_dropped);
  const Value picked = gather(x, joined, axes, 0, OutOfRange::Check);
  if (is_in_front) return picked;
  const auto lead = static_cast<int64_t>(index_shape.size());
  Ints perm = iota_ints(lead, axes.front());
  for (int64_t k = 0; k < lead; ++k) perm.push_back(k);
  for (int64_t k = lead + axes.front(); k < picked.rank(); ++k) perm.push_back(k);
  return transpose(picked, perm);
}

Value apply(Value x, const Reading& reading) {
  std::vector<Range> ranges;
  Ints reversed;
  for (size_t a = 0; a < reading.axes.size(); ++a) {
    ranges.push_back(reading.axes[a].range);
    if (reading.axes[a].is_reversed) reversed.push_back(static_cast<int64_t>(a));
  }
  Value y = slice(x, ranges);
  if (!reversed.empty()) y = reverse(y, reversed);
  const Shape kept = shape_of(y);
  Shape index_shape, shape;
  bool is_in_front = false, has_index_axes = false;
  y = pick(y, reading, index_shape, is_in_front);
  auto add_index_axes = [&] {
    if (!std::exchange(has_index_axes, true)) shape.insert(shape.end(), index_shape.begin(), index_shape.end());
  };
  if (is_in_front) add_index_axes();
  for (int axis : reading.order) {
    if (axis == Reading::kNew) {
      shape.push_back(1);
      continue;
    }
    const AxisRead& read = reading.axes[static_cast<size_t>(axis)];
    if (read.indices) add_index_axes();
    if (!read.indices && !read.is_dropped) shape.push_back(kept[static_cast<size_t>(axis)]);
  }
  return reshape(y, shape);
}

bool is_a_box(const Reading& reading) {
  return std::all_of(reading.axes.begin(), reading.axes.end(),
                     [](const AxisRead& a) { return !a.indices && !a.is_reversed && a.range.step == Dim(1); });
}

Value combined(Value old, Value update, Combine combine) {
  switch (combine) {
    case Combine::Set:
      return update;
    case Combine::Add:
      return old + update;
    case Combine::Mul:
      return old * update;
    case Combine::Min:
      return minimum<Value>(old, update);
    case Combine::Max:
      return maximum<Value>(old, update);
  }
  return update;
}

/// A box is written as it is.
Value update_box(Value x, const Reading& reading, Value update, Combine combine) {
  std::vector<Range> ranges;
  std::vector<Value> starts;
  for (const AxisRead& a : reading.axes) {
    ranges.push_back(a.range);
    const Dim first = a.range.first;
    starts.push_back(first.is_constant() ? scalar(x.graph(), DType::i64, first.constant())
                                         : dimension(x.graph(), first));
  }
  const Value old = slice(x, ranges);
  return dynamic_update_slice(x, combined(old, reshape(update, shape_of(old)), combine), starts);
}

}  // namespace

Value subscript(Value x, const std::vector<Subscript<Value>>& list) { return apply(x, read_list(x, list)); }

/// What is not a box is scattered: the same list picks the row-major positions of the elements to write.
Value update_subscript(Value x, const std::vector<Subscript<Value>>& list, Value update, Combine combine) {
  const Reading reading = read_list(x, list);
  if (is_a_box(reading)) {
    Shape shape;
    for (int axis : reading.order)
      if (axis == Reading::kNew)
        shape.push_back(1);
      else if (const AxisRead& a = reading.axes[static_cast<size_t>(axis)]; !a.is_dropped)
        shape.push_back(a.range.limit ? *a.range.limit - a.range.first : x.type().dim(axis) - a.range.first);
    return update_box(x, reading, broadcast_to(update, dims_span(shape)), combine);
  }
  const Dim count = ir::product(x.shape());
  const Value numbers = iota(x.graph(), Type::of(DType::i64, {count}), 0);
  const Value places = apply(reshape(numbers, shape_of(x)), reading);
  const Dim written = ir::product(places.shape());
  return reshape(scatter(reshape(x, {count}), reshape(places, {written, 1}),
                         reshape(broadcast_to(update, places.shape()), {written}), {0}, 0, OutOfRange::Fill, combine),
                 shape_of(x));
}

}  // namespace strata::ops
