// Attention as a fold over blocks of keys, and its gradients as sums over blocks. No array of queries by keys is ever
// whole.
//
// A block of keys, alone, is (m, l, o): the largest score, the sum of exp(score - m), and the values weighted by
// those. Blocks begin at key 0 and are folded in ascending order by one formula:
//
//   (m, l, o) + (m', l', o') = (M, l a + l' b, o a + o' b)      M = max(m, m'), a = exp(m - M), b = exp(m' - M)
//
// A block of which nothing may be seen is the fold's identity, (-inf, 0, 0). So a result depends on no tile, thread or
// neighbour in the batch, and not on whether keys that nobody sees are there.
//
// With the logarithm of each row's sum kept, the gradients compute the weights again, block by block (Dao et al. 2022):
//
//   P = exp(S - L)   dV = P^T dO   dP = dO V^T   dS = P * (dP - delta)   dQ = dS K   dK = dS^T Q
//
// where delta is the sum of dO * O over a row: dQ block by block of keys, dK and dV block by block of queries.
//
// Scores stand as [B, H, block, lanes]: the axis that a step goes through is in the middle, the one whose elements have
// nothing to do with each other last.
#pragma once

#include "strata/ops/operands/axes.h"

namespace strata::ops {

/// What lies between q k^T and the softmax.
struct ScoreForm {
  double scale = 1;
  bool is_causal = false;
  int64_t window = 0;     ///< of positions up to its own that a query sees; 0: any number
  double soft_cap = 0;    ///< cap * tanh(score / cap); 0: none
  int64_t key_block = 64;  ///< keys of a block
};

/// q [B, H, T, D], k [B, H, S, D], v [B, H, S, E], all in f32 or f64. `mask` (bool or floats; null: none) and `factor`
/// of the weights (null: none) have rank 4 and broadcast to [B, H, T, S]. Gives [B, H, T, E].
Value attention_by_blocks(Value q, Value k, Value v, Value mask, Value factor, const ScoreForm& form);

}  // namespace strata::ops
