// Arrangements of elements that are written with slices, broadcasts and reshapes: NumPy's tile, repeat, roll, and the
// triangles of matrices.
#pragma once

#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

/// x repeated as a whole, counts[a] times along axis a; axes and counts align at the end.
STRATA_FUNCTION(tile, (x), (const Shape& counts), (counts))
/// Each element of `axis` repeated `count` times in place.
STRATA_FUNCTION(repeat, (x), (Dim count, int64_t axis), (count, axis))
/// Elements move `shift` places towards the end of `axis`; those that fall off come back in front.
STRATA_FUNCTION(roll, (x), (int64_t shift, int64_t axis), (shift, axis))
/// The lower (upper) triangle of the last two axes, zeros elsewhere; `diagonal` 1 takes one more diagonal above the
/// main one in, -1 leaves the main one out.
STRATA_FUNCTION(tril, (x), (int64_t diagonal = 0), (diagonal))
STRATA_FUNCTION(triu, (x), (int64_t diagonal = 0), (diagonal))
/// All products of elements: x flattened by y flattened.
STRATA_FUNCTION(outer, (x, y), (), ())
/// Ones where column - row is `diagonal`.
Value eye(Graph& graph, Dim rows, Dim columns, DType dtype, int64_t diagonal = 0);
/// `count` evenly spaced numbers from `first` to `last`, both included; computed in f64. An integer dtype holds
/// both (E0140).
Value linspace(Graph& graph, double first, double last, int64_t count, DType dtype);

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::tile, ops::repeat, ops::roll, ops::tril, ops::triu, ops::outer;

}  // namespace strata
