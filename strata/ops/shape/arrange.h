// Arrangements of elements that are written with slices, broadcasts and reshapes: NumPy's tile, repeat, roll, and the
// triangles of matrices.
#pragma once

#include "strata/ops/facets/layout.h"

namespace strata::ops {

/// x repeated as a whole, counts[a] times along axis a; axes and counts align at the end.
Value tile(Value x, const Shape& counts);
/// Each element of `axis` repeated `count` times in place.
Value repeat(Value x, Dim count, int64_t axis);
/// Elements move `shift` places towards the end of `axis`; those that fall off come back in front.
Value roll(Value x, int64_t shift, int64_t axis);
/// The lower (upper) triangle of the last two axes, zeros elsewhere; `diagonal` 1 takes one more diagonal above the
/// main one in, -1 leaves the main one out.
Value tril(Value x, int64_t diagonal = 0);
Value triu(Value x, int64_t diagonal = 0);
/// All products of elements: x flattened by y flattened.
Value outer(Value x, Value y);
/// Ones where column - row is `diagonal`.
Value eye(Graph& graph, Dim rows, Dim columns, DType dtype, int64_t diagonal = 0);
/// `count` evenly spaced numbers from `first` to `last`, both included; computed in f64. An integer dtype holds
/// both (E0140).
Value linspace(Graph& graph, double first, double last, int64_t count, DType dtype);

template <Handle V>
V tile(V x, const Shape& counts, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return tile(v, counts); }, x);
}
template <Handle V>
V repeat(V x, Dim count, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return repeat(v, count, axis); }, x);
}
template <Handle V>
V roll(V x, int64_t shift, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return roll(v, shift, axis); }, x);
}
template <Handle V>
V tril(V x, int64_t diagonal = 0, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return tril(v, diagonal); }, x);
}
template <Handle V>
V triu(V x, int64_t diagonal = 0, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return triu(v, diagonal); }, x);
}
template <Handle V>
V outer(V x, V y, Source at = Source::here()) {
  return lift<V>(at, [](Value a, Value b) { return outer(a, b); }, x, y);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::tile, ops::repeat, ops::roll, ops::tril, ops::triu, ops::outer;

}  // namespace strata
