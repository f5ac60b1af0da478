// Ops that move data without looking at it, and the functions that users call for them. The meaning of each op stands
// in its block. Axis arguments may be negative. `Dim(-1)` in a reshape stands for the one extent that follows from the
// others.
#pragma once

#include <optional>

#include "strata/ops/index/in_place.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kReshape, kTranspose, kReverse, kSlice, kPad, kConcat, kDynamicSlice, kDynamicUpdateSlice, kDynamicPad;

/// Bounds of one axis: first, limit and step as NumPy's x[first:limit:step]; negative bounds count from the end.
struct Range {
  Dim first = 0;
  std::optional<Dim> limit;
  Dim step = 1;
};
/// Elements added in front of and behind one axis; negative removes. `interior`: between neighbours.
struct Padding {
  Dim lo = 0, hi = 0, interior = 0;
};

STRATA_FUNCTION(reshape, (x), (const Shape& dims), (dims))
STRATA_FUNCTION(transpose, (x), (const Ints& perm), (perm))
STRATA_FUNCTION(swap_axes, (x), (int64_t a, int64_t b), (a, b))
STRATA_FUNCTION(move_axis, (x), (int64_t from, int64_t to), (from, to))
STRATA_FUNCTION(reverse, (x), (const Ints& axes), (axes))
STRATA_FUNCTION(slice, (x), (const std::vector<Range>& ranges), (ranges))
STRATA_FUNCTION(slice_axis, (x), (int64_t axis, const Range& range), (axis, range))
/// `value` is a scalar of x's dtype.
STRATA_FUNCTION(pad, (x, value), (const std::vector<Padding>& padding), (padding))
STRATA_FUNCTION(pad_zero, (x), (const std::vector<Padding>& padding), (padding))
STRATA_FUNCTION(expand_dims, (x), (int64_t axis), (axis))
STRATA_FUNCTION(squeeze, (x), (int64_t axis), (axis))
STRATA_FUNCTION(flatten, (x), (int64_t first_axis = 0), (first_axis))

// Of lists: what they mean on graph values, and what users call below.
Value concat(const std::vector<Value>& parts, int64_t axis);
Value stack(const std::vector<Value>& parts, int64_t axis);
std::vector<Value> split(Value x, const std::vector<Dim>& sizes, int64_t axis);
/// `starts`: one integer scalar per axis of x.
Value dynamic_slice(Value x, const std::vector<Value>& starts, const Shape& sizes);
Value dynamic_update_slice(Value x, Value update, const std::vector<Value>& starts,
                           InPlace in_place = InPlace::WherePossible);
/// For the compiler: a block in `around`, a scalar.
Value dynamic_pad(Value block, Value around, const std::vector<Value>& starts, const Shape& sizes);
/// x with axes of extent 1 put in front until its rank is `rank`.
Value with_rank(Value x, int rank);

template <Handle V>
V concat(const std::vector<V>& parts, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](const std::vector<Value>& v) { return concat(v, axis); }, parts);
}
template <Handle V>
V stack(const std::vector<V>& parts, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](const std::vector<Value>& v) { return stack(v, axis); }, parts);
}
template <Handle V>
std::vector<V> split(V x, const std::vector<Dim>& sizes, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return split(v, sizes, axis); }, x);
}
template <Handle V>
V dynamic_slice(V x, const std::vector<V>& starts, const Shape& sizes, Source at = Source::here()) {
  return lift<V>(at, [&](Value v, const std::vector<Value>& s) { return dynamic_slice(v, s, sizes); }, x, starts);
}
template <Handle V>
V dynamic_update_slice(V x, V update, const std::vector<V>& starts, InPlace in_place = InPlace::WherePossible,
                       Source at = Source::here()) {
  return lift<V>(
      at, [&](Value v, Value u, const std::vector<Value>& s) { return dynamic_update_slice(v, u, s, in_place); }, x,
      update, starts);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::InPlace, ops::Range, ops::Padding, ops::reshape, ops::transpose, ops::swap_axes, ops::move_axis,
    ops::reverse, ops::slice, ops::slice_axis, ops::pad, ops::pad_zero, ops::concat, ops::stack, ops::split,
    ops::expand_dims, ops::squeeze, ops::flatten, ops::dynamic_slice, ops::dynamic_update_slice;

}  // namespace strata
