// x.at(...): how what is written reaches its place, without a look at the rest of x.
//
//   a box                                       dynamic_update_slice
//   index tensors, all other axes whole         scatter of rows
//   all else                                    scatter of elements into flat x: place = sum over axes of
//                                               stride * (first + step * k, or the index tensor's element)
//
// Positions of index tensors are checked before anything is written.
#include <algorithm>

#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/index/subscript_reading.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/arrange.h"
#include "strata/ops/shape/dimension.h"

namespace strata::ops {
namespace {

using Reading = SubscriptReading;

/// What is to be written: the list, and how.
struct Written {
  const Reading& reading;
  const PickedPoints& points;
  Shape kept;   ///< what the ranges leave of each axis of x
  Value value;  ///< in the shape of x[list]
  Combine combine;
  InPlace in_place;
};

Value number(Graph& graph, Dim d) {
  return d.is_constant() ? scalar(graph, DType::i64, d.constant()) : dimension(graph, d);
}

bool is_whole(const AxisRead& a, Dim extent) {
  return !a.is_reversed && !a.is_dropped && a.range.first == Dim(0) && a.range.step == Dim(1) &&
         (!a.range.limit || *a.range.limit == extent);
}

bool is_a_box(const Reading& reading) {
  return std::ranges::all_of(reading.axes,
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

Value update_box(Value x, const Written& w) {
  std::vector<Range> ranges;
  std::vector<Value> starts;
  for (const AxisRead& a : w.reading.axes) {
    ranges.push_back(a.range);
    starts.push_back(number(x.graph(), a.range.first));
  }
  const Value old = slice(x, ranges), update = reshape(w.value, shape_of(old));
  return dynamic_update_slice(x, combined(old, update, w.combine), starts, w.in_place);
}

Value checked_points(Value x, const Written& w) {
  return checked_positions("subscript", x, w.points.positions, w.points.axes, w.value);
}

/// Rows of x: the axes of the points come first in the updates, then the whole axes in their order.
Value update_rows(Value x, const Written& w) {
  Reading without_new = w.reading;
  std::erase(without_new.order, Reading::kNew);
  const Shape shape = subscript_shape(without_new, w.points, w.kept);
  const auto lead = std::ssize(w.points.shape);
  Value updates = reshape(w.value, shape);
  if (!w.points.is_in_front) {
    const int64_t first = w.points.axes.front();
    Ints perm;
    for (int64_t k = 0; k < lead; ++k) perm.push_back(first + k);
    for (int64_t k = 0; k < first; ++k) perm.push_back(k);
    for (int64_t k = first + lead; k < updates.rank(); ++k) perm.push_back(k);
    updates = transpose(updates, perm);
  }
  return scatter(x, checked_points(x, w), updates, w.points.axes, 0, OutOfRange::Fill, w.combine, 0, w.in_place);
}

/// Adds up the places of elements of x in the shape of x[list].
class Places {
 public:
  Places(Value x, const Written& w) : graph_(x.graph()), shape_(shape_of(w.value.type())) {
    total_ = full(graph_, Type::of(DType::i64, shape_), 0.0);
    Dim stride = 1;
    for (int a = x.rank(); a-- > 0; stride = stride * x.type().dim(a)) strides_.insert(strides_.begin(), stride);
    const Value points = w.points.positions ? checked_points(x, w) : Value{};
    int64_t axis = 0, first_of_points = -1;
    const auto lead = std::ssize(w.points.shape);
    if (w.points.is_in_front) first_of_points = 0, axis = lead;
    size_t next_point = 0;
    for (int a : w.reading.order) {
      if (a == Reading::kNew) {
        ++axis;
        continue;
      }
      const AxisRead& read = w.reading.axes[a];
      if (read.indices) {
        if (first_of_points < 0) first_of_points = axis, axis += lead;
        add_points(points, next_point++, first_of_points, a);
      } else if (read.is_dropped) {
        add(a, number(graph_, read.range.first));
      } else {
        add_range(read, axis++, w.kept[a], a);
      }
    }
  }
  Value total() const { return total_; }

 private:
  Value spread(Value scalar) const { return broadcast_to(scalar, dims_span(shape_)); }
  void add(int x_axis, Value coordinate) {
    total_ = total_ + spread(coordinate) * spread(number(graph_, strides_[x_axis]));
  }
  void add_points(Value points, size_t k, int64_t first, int x_axis) {
    const int64_t axes = points.rank() - 1;
    const int64_t at = k;
    const Value of_axis = cast(squeeze(slice_axis(points, -1, {at, Dim(at + 1)}), -1), DType::i64);
    add(x_axis, broadcast(of_axis, dims_span(shape_), ints_span(iota_ints(first, axes))));
  }
  /// first, first + step, ... along an axis of the result, or backwards.
  void add_range(const AxisRead& read, int64_t axis, Dim count, int x_axis) {
    const Value k = iota(graph_, Type::of(DType::i64, shape_), axis);
    const Dim start = read.is_reversed ? read.range.first + (count - 1) * read.range.step : read.range.first;
    const Value moved = k * spread(number(graph_, read.range.step)), from = spread(number(graph_, start));
    add(x_axis, read.is_reversed ? from - moved : from + moved);
  }

  Graph& graph_;
  Shape shape_, strides_;
  Value total_;
};

Value update_elements(Value x, const Written& w) {
  const Dim count = ir::product(x.shape()), written = ir::product(w.value.shape());
  const Value places = reshape(Places(x, w).total(), {written, 1});
  const Value y = scatter(reshape(x, {count}), places, reshape(w.value, {written}), {0}, 0, OutOfRange::Fill, w.combine,
                          0, w.in_place);
  return reshape(y, shape_of(x));
}

}  // namespace

Value update_subscript(Value x, const std::vector<Subscript<Value>>& list, Value update, Combine combine,
                       InPlace in_place) {
  const Reading reading = read_subscripts(x, list);
  const PickedPoints points = points_of(reading);
  Shape kept;
  bool has_whole_rest = true;
  for (size_t a = 0; a < reading.axes.size(); ++a) {
    const AxisRead& read = reading.axes[a];
    const Dim extent = x.type().dim(a);
    kept.push_back(ceil_div((read.range.limit ? *read.range.limit : extent) - read.range.first, read.range.step));
    has_whole_rest = has_whole_rest && (read.indices || is_whole(read, extent));
  }
  const Shape shape = subscript_shape(reading, points, kept);
  const Written written{reading, points, kept, broadcast_to(update, dims_span(shape)), combine, in_place};
  if (is_a_box(reading)) return update_box(x, written);
  return points.positions && has_whole_rest ? update_rows(x, written) : update_elements(x, written);
}

}  // namespace strata::ops
