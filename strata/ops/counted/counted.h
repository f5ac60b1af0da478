// Results whose number of elements is data: the dimension N that they have is counted while the program runs, and is a
// dimension like any other behind that (ir/counts/counts.h, docs/decisions/0031). All but the counting itself is made
// of existing ops, and has their derivatives: the gradient of compact is a scatter.
//
//   nonzero(x)        x: [2,3] of any dtype                     -> i64[N,2], N in [0, 6]
//   compact(x, mask)  x: [B,5], mask: bool[B]                   -> [N,5],    N in [0, B]
//
// What was counted once has one symbol: compact(x, mask) and compact(y, mask) may be added.
#pragma once

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kCountedRange;

/// 0, 1, ..., n - 1 as i64[N] for an integer scalar n in [0, capacity] (E0146 when the program runs).
STRATA_FUNCTION(counted_range, (n), (Dim capacity), (capacity))
/// Where the elements of x, in row-major order, are not 0: i64[N], ascending. NaN is not 0.
STRATA_FUNCTION(flatnonzero, (x), (), ())
/// The same as one row of indices per element: [N, rank of x] of an integer dtype.
Value nonzero(Value x, DType dtype = DType::i64);
/// What x has along `axis` where `mask`, bool of that axis' extent, is true: [..., N, ...].
Value compact(Value x, Value mask, int64_t axis = 0);

template <Handle V>
V nonzero(V x, DType dtype = DType::i64, Source at = Source::here()) {
  return lift<V>(at, [dtype](Value v) { return nonzero(v, dtype); }, x);
}
template <Handle V>
V compact(V x, V mask, int64_t axis = 0, Source at = Source::here()) {
  return lift<V>(at, [axis](Value v, Value m) { return compact(v, m, axis); }, x, mask);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::counted_range, ops::flatnonzero, ops::nonzero, ops::compact;

}  // namespace strata
