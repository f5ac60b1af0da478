// A list of subscripts, read against the value that it stands behind: what x[...] and x.at(...) have in common.
#pragma once

#include <vector>

#include "strata/ops/index/subscript.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {

/// What one axis of x gives.
struct AxisRead {
  Range range;
  bool is_reversed = false, is_dropped = false;
  Value indices;  ///< null: none
};
/// The list with its ellipsis written out: what each axis gives, and the axes of the result in order.
struct SubscriptReading {
  std::vector<AxisRead> axes;
  std::vector<int> order;  ///< axis of x; kNew: a new one
  static constexpr int kNew = -1;
};
/// Errors say where the list stands (E0100, E0115, E0116, E0118).
SubscriptReading read_subscripts(Value x, const std::vector<Subscript<Value>>& list);

/// The index tensors of a list together.
struct PickedPoints {
  Ints axes;                 ///< of x
  Value positions;           ///< [i..., n]; null: there are none
  Shape shape;               ///< i...
  bool is_in_front = false;  ///< the axes i... stand in front of all others, else where the first index tensor stood
};
PickedPoints points_of(const SubscriptReading& reading);

/// The shape of x[list]. `kept`: what the ranges leave of each axis of x.
Shape subscript_shape(const SubscriptReading& reading, const PickedPoints& points, std::span<const Dim> kept);

}  // namespace strata::ops
