#include "strata/ops/index/subscript.h"

#include "strata/ops/index/index.h"
#include "strata/ops/index/subscript_reading.h"
#include "strata/ops/shape/arrange.h"

namespace strata::ops {
namespace {

/// x at the points: their axes where the first index tensor stood, or in front.
Value pick(Value x, const PickedPoints& points) {
  if (!points.positions) return x;
  const Value picked = gather(x, points.positions, points.axes, 0, OutOfRange::Check);
  if (points.is_in_front) return picked;
  const auto lead = std::ssize(points.shape), first = points.axes.front();
  Ints perm = iota_ints(lead, first);
  for (int64_t k = 0; k < lead; ++k) perm.push_back(k);
  for (int64_t k = lead + first; k < picked.rank(); ++k) perm.push_back(k);
  return transpose(picked, perm);
}

}  // namespace

Value subscript(Value x, const std::vector<Subscript<Value>>& list) {
  const SubscriptReading reading = read_subscripts(x, list);
  std::vector<Range> ranges;
  Ints reversed;
  for (size_t a = 0; a < reading.axes.size(); ++a) {
    ranges.push_back(reading.axes[a].range);
    if (reading.axes[a].is_reversed) reversed.push_back(a);
  }
  Value y = slice(x, ranges);
  if (!reversed.empty()) y = reverse(y, reversed);
  const PickedPoints points = points_of(reading);
  const Shape kept = shape_of(y);
  return reshape(pick(y, points), subscript_shape(reading, points, kept));
}

}  // namespace strata::ops
