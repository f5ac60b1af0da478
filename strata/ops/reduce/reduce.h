// Reductions over named axes, and the statistics that are written with them. Empty axis lists mean every axis in the
// functions (in an op: none). `keep` leaves the reduced axes with extent 1.
#pragma once

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kReduceSum, kReduceProd, kReduceMax, kReduceMin, kReduceAnd, kReduceOr;
extern const Op kArgmax, kArgmin;
extern const Op kCumsum, kCumprod, kCummax, kCummin;

enum class Keep : uint8_t { Drop, AsOne };
enum class Direction : uint8_t { Forward, Backward };

/// Axes that are folded, behind the last kept axis and before it.
struct TwoSides {
  Ints before, behind;
  TwoSides(const Ints& axes, int rank);
  bool are_both() const { return !before.empty() && !behind.empty(); }
};

// On graph values: over exactly these axes (none: x). The axes behind the last kept one are folded first, by a node of
// their own: rows that are contiguous in memory fold by whole vectors. Half floats are rounded once.
Value reduce_over(const Op& op, Value x, const Ints& axes);
Value reduce_sum(Value x, const Ints& axes);
Value reduce_prod(Value x, const Ints& axes);
Value reduce_max(Value x, const Ints& axes);
Value reduce_min(Value x, const Ints& axes);
Value reduce_and(Value x, const Ints& axes);
Value reduce_or(Value x, const Ints& axes);

/// `y` is x reduced over `axes`; gives it x's shape again.
Value spread(Value y, Value like, const Ints& axes);
/// Reduces with any of the six blocks; empty axes: all. max and min of an empty axis are refused (E0116, or E0136 when
/// the program runs and finds it empty), unless the result is empty, too.
Value reduce(const Op& op, Value x, const Ints& axes, Keep keep);
/// Of floats (E0100), as variance.
STRATA_FUNCTION(mean, (x), (const Ints& axes = {}, Keep keep = Keep::Drop), (axes, keep))
struct Moments {
  Value mean;
  Value squares;   ///< the sum of squared distances from the mean
  Value variance;  ///< their mean
};
/// Of x, which has its accumulation dtype, over `axes` (ascending, one or more). With axes on both sides of the last
/// kept one, those behind it make a block, which has its own mean and squares; the blocks are merged
/// (docs/decisions/0013-joined-sums.md), so that what makes a block can make its moments.
Moments moments(Value x, const Ints& axes);
/// Mean of squared distances from the mean; divides by n - correction, or by 0 (inf, NaN) below that, as in NumPy.
STRATA_FUNCTION(variance, (x), (const Ints& axes = {}, int64_t correction = 0, Keep keep = Keep::Drop),
                (axes, correction, keep))
/// i64 positions along `axis`; the first of equals; NaN counts as the largest (and as the smallest for argmin).
STRATA_FUNCTION(argmax, (x), (int64_t axis, Keep keep = Keep::Drop), (axis, keep))
STRATA_FUNCTION(argmin, (x), (int64_t axis, Keep keep = Keep::Drop), (axis, keep))
Value cumulative(const Op& op, Value x, int64_t axis, Direction direction = Direction::Forward);

template <Handle V>
V reduce(const Op& op, V x, const Ints& axes, Keep keep, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return reduce(op, v, axes, keep); }, x);
}
template <Handle V>
V sum(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceSum, x, axes, keep, at);
}
template <Handle V>
V prod(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceProd, x, axes, keep, at);
}
template <Handle V>
V max(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceMax, x, axes, keep, at);
}
template <Handle V>
V min(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceMin, x, axes, keep, at);
}
template <Handle V>
V all(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceAnd, x, axes, keep, at);
}
template <Handle V>
V any(V x, const Ints& axes = {}, Keep keep = Keep::Drop, Source at = Source::here()) {
  return reduce<V>(kReduceOr, x, axes, keep, at);
}
template <Handle V>
V cumulative(const Op& op, V x, int64_t axis, Direction direction, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return cumulative(op, v, axis, direction); }, x);
}
template <Handle V>
V cumsum(V x, int64_t axis, Direction direction = Direction::Forward, Source at = Source::here()) {
  return cumulative<V>(kCumsum, x, axis, direction, at);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Keep, ops::Direction, ops::reduce, ops::sum, ops::prod, ops::max, ops::min, ops::all, ops::any, ops::mean,
    ops::variance, ops::argmax, ops::argmin, ops::cumulative, ops::cumsum;

}  // namespace strata
