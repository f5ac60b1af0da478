// Dots in which pairs of elements don't count, whatever memory holds there: 0 * NaN would be NaN. Each is what the
// other one's transpose needs, so that hidden elements stay hidden in derivatives of every order:
//
//   dot_where(l, r, where)        y[m, n] = sum over k with where[n, k] of l[m, k] * r[n, k]
//   dot_read_where(l, r, where)   y[m, n] = sum over k of l[m, k] * r[n, k], of which only where[m, n] is read
//
//                                 cotangent of l              of r
//   dot_where                     dot_where(dy, r, where)     where ? dot_read_where(dy, l, where) : 0
//   dot_read_where                dot_where(r, dy, where)     dot_where(l, dy, where)
#pragma once

#include "strata/ops/contraction/dot.h"

namespace strata::ops {

extern const Op kDotWhere, kDotReadWhere;

/// `where`: bool, of the shape of rhs.
STRATA_FUNCTION(dot_where, (lhs, rhs, where), (const DotAxes& axes), (axes))
/// `where`: bool, of the result's shape. Whoever makes one promises to read the result only there, behind a select.
STRATA_FUNCTION(dot_read_where, (lhs, rhs, where), (const DotAxes& axes), (axes))

}  // namespace strata::ops
