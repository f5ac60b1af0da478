// Products of rows and weights that both lie in blocks of integers under scales: the integers of two blocks are
// multiplied and added exactly, and scaled once a block. Rows of floats are quantised once, and kept:
//
//   const Tensor rows = encode(x_MK, "q8_0");            // f32[M, K], once for all products of x
//   const Tensor y_MN = block_dot(rows, w_NK);           // w of q4_0, q8_0, or a declared format of such integers
#pragma once

#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kBlockDot;

/// lhs [batch..., rows..., K] by rhs [batch..., N, K] gives f32 [batch..., rows..., N]:
///
///   y[m, n] = sum over blocks b, ascending, of f32(sum over the block's k of integer(lhs) * integer(rhs), exact)
///                                              * (scale(lhs[m, b]) * scale(rhs[n, b]))
///
/// where each term of the outer sum is one FMA, chains are of at most 256 blocks and joined by a tree. That is not what
/// `dot` of the same operands means, which multiplies the decoded numbers one by one. Both encodings decode to
/// f32(integer) * scale (ir/encoding/scaled_integers.h) and have equally many elements in a block: E0100 else, and for
/// operands that are no arrays of blocks; E0101 and E0102 for shapes that don't fit. No derivative passes: blocks are
/// data.
STRATA_FUNCTION(block_dot, (lhs, rhs), (), ())

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::block_dot;

}  // namespace strata
