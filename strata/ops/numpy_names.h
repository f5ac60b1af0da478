// NumPy's names for functions that carry the field's other word here. Nothing is computed in this file.
//
//   where = select        clip = clamp           concatenate = concat      flip = reverse
//   var = variance        cumprod, cummax, cummin = cumulative of their op
//
// NumPy's std is `stddev`, since `std` names a namespace; statistics.cpp has it.
#pragma once

#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {

template <Handle V>
V where(V condition, V x, V y, Source at = Source::here()) {
  return select(condition, x, y, at);
}
template <Handle V>
V where(V condition, V x, Literal y, Source at = Source::here()) {
  return select(condition, x, y, at);
}
template <Handle V>
V where(V condition, Literal x, V y, Source at = Source::here()) {
  return select(condition, x, y, at);
}
template <Handle V>
V clip(V x, Literal lowest, Literal highest, Source at = Source::here()) {
  return clamp(x, lowest, highest, at);
}
template <Handle V>
V concatenate(const std::vector<V>& parts, int64_t axis = 0, Source at = Source::here()) {
  return concat(parts, axis, at);
}
/// Empty axes: all.
template <Handle V>
V flip(V x, const Ints& axes = {}, Source at = Source::here()) {
  return reverse(x, axes.empty() ? iota_ints(0, x.rank()) : axes, at);
}
template <Handle V>
V var(V x, const Ints& axes = {}, int64_t correction = 0, Keep keep = Keep::Drop, Source at = Source::here()) {
  return variance(x, axes, correction, keep, at);
}
/// The root of the variance, of floats (E0100): half floats compute in f32 and round once. The slope is 0 where all
/// elements are equal, as in PyTorch.
Value stddev(Value x, const Ints& axes = {}, int64_t correction = 0, Keep keep = Keep::Drop);
template <Handle V>
V stddev(V x, const Ints& axes = {}, int64_t correction = 0, Keep keep = Keep::Drop, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return stddev(v, axes, correction, keep); }, x);
}
template <Handle V>
V cumprod(V x, int64_t axis, Direction direction = Direction::Forward, Source at = Source::here()) {
  return cumulative<V>(kCumprod, x, axis, direction, at);
}
template <Handle V>
V cummax(V x, int64_t axis, Direction direction = Direction::Forward, Source at = Source::here()) {
  return cumulative<V>(kCummax, x, axis, direction, at);
}
template <Handle V>
V cummin(V x, int64_t axis, Direction direction = Direction::Forward, Source at = Source::here()) {
  return cumulative<V>(kCummin, x, axis, direction, at);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::where, ops::clip, ops::concatenate, ops::flip, ops::var, ops::stddev, ops::cumprod, ops::cummax, ops::cummin;

}  // namespace strata
