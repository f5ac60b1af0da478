// Reading and writing at computed positions: gather, scatter, and the functions that users know on top of them.
//
//   gather(x, indices) {axes, batch, mode, most}
//     x:       [b..., axes and others]      the first `batch` extents are shared with the indices
//     indices: [b..., i..., n]              n = axes.size(): a position on the axes `axes` of x
//     result:  [b..., i..., others]         the axes of x that are neither batch nor in `axes`, whole, in order
//   scatter(x, indices, updates) {axes, batch, mode, combine, most}
//     updates has the shape that gather would give; result = x with the updates combined in, in ascending order of
//     their index
//   checked_indices(indices) {axes, extents, asker}
//     the positions, of which none is out of range
//
// mode says what happens to a position out of range: "clamp" to the nearest, "fill" (gather reads 0, scatter drops), or
// "check" (an error at run time; in a gather "check NAME" says it in the words of that function; a scatter has its
// positions checked by a node before it, since it may be half done when it meets one). Negative positions are out of
// range.
//
// most says how many positions name one element at most, 0: any number may. It promises nothing about the values: if
// more do, sums are as exact as their longer chains are.
#pragma once

#include "strata/ops/index/in_place.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kGather, kScatter, kCheckedIndices;

enum class OutOfRange : uint8_t { Clamp, Fill, Check };
enum class Combine : uint8_t { Set, Add, Mul, Min, Max };

Value gather(Value x, Value indices, const Ints& axes, int64_t batch, OutOfRange mode, int64_t most = 0);
/// Rows of x at indices of any shape, for a function whose user knows nothing of a gather: an index out of range fails
/// in the words of `asker` ("embedding", "cross_entropy"; gather_layout.cpp).
Value rows_for(std::string_view asker, Value x, Value indices);
Value scatter(Value x, Value indices, Value updates, const Ints& axes, int64_t batch, OutOfRange mode, Combine combine,
              int64_t most = 0, InPlace in_place = InPlace::WherePossible);
Value checked_indices(std::string_view asker, Value indices, const Ints& axes, const Shape& extents);
/// The same for positions on axes of x, at which `updates` are to be written: without updates nothing is checked.
Value checked_positions(std::string_view asker, Value x, Value indices, const Ints& axes, Value updates);

/// Elements of x along `axis` at `indices` (any shape): its axes stand where `axis` stood.
STRATA_FUNCTION(take, (x, indices), (int64_t axis, OutOfRange mode = OutOfRange::Clamp), (axis, mode))
/// result[..., i, ...] = x[..., indices[..., i, ...], ...]; indices has x's rank, and x's extents but at `axis`.
STRATA_FUNCTION(take_along_axis, (x, indices), (int64_t axis, OutOfRange mode = OutOfRange::Clamp), (axis, mode))
/// Rows of table[V, D] at ids of any shape: [ids..., D].
STRATA_FUNCTION(embedding, (table, ids), (OutOfRange mode = OutOfRange::Check), (mode))
/// x with updates combined into positions `indices` (rank 1) of `axis`.
Value index_update(Value x, int64_t axis, Value indices, Value updates, Combine combine,
                   OutOfRange mode = OutOfRange::Fill, InPlace in_place = InPlace::WherePossible);

template <Handle V>
V gather(V x, V indices, const Ints& axes, int64_t batch, OutOfRange mode, Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value i) { return gather(v, i, axes, batch, mode); }, x, indices);
}
template <Handle V>
V scatter(V x, V indices, V updates, const Ints& axes, int64_t batch, OutOfRange mode, Combine combine,
          InPlace in_place = InPlace::WherePossible, Source at = Source::here()) {
  return lift<V>(
      at, [&](Value v, Value i, Value u) { return scatter(v, i, u, axes, batch, mode, combine, 0, in_place); }, x,
      indices, updates);
}
template <Handle V>
V index_update(V x, int64_t axis, V indices, V updates, Combine combine, OutOfRange mode = OutOfRange::Fill,
               InPlace in_place = InPlace::WherePossible, Source at = Source::here()) {
  return lift<V>(
      at, [&](Value v, Value i, Value u) { return index_update(v, axis, i, u, combine, mode, in_place); }, x, indices,
      updates);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::OutOfRange, ops::gather, ops::scatter, ops::take, ops::take_along_axis, ops::embedding, ops::index_update;

}  // namespace strata
