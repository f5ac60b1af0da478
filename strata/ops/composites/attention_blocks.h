// Attention as a fold over blocks of keys, and its gradients as sums over blocks. Neither scores nor weights are ever
// whole; the gradients of a mask and of a factor are, which have an element for each.
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

#include <array>
#include <limits>

#include "strata/base/config/bounds.h"
#include "strata/ops/operands/axes.h"

namespace strata::ops {

/// The score of what is not seen.
inline constexpr double kNothing = -std::numeric_limits<double>::infinity();
/// Positions are compared in i32.
inline constexpr int64_t kMostPositions = int64_t{1} << 30;
inline constexpr base::Bounds kKeyBlock = base::Bounds::between(1, kMostPositions);

/// What lies between q k^T and the softmax.
struct ScoreForm {
  double scale = 1;
  bool is_causal = false;
  int64_t window = 0;      ///< positions nearer than this are seen; 0: any number
  double soft_cap = 0;     ///< cap * tanh(score / cap); 0: none
  int64_t key_block = 64;  ///< keys of a block
};
/// As a composite of attention has it, and the way back.
std::array<Attr, 5> attrs_of(const ScoreForm& form);
ScoreForm score_form_of(const ir::Attrs& attrs);

/// A step takes a block of keys and the lanes are queries, or the other way round.
enum class WalkBy : uint8_t { Keys, Queries };

/// A function of a score and its place, element by element, as graphs for the scores of either walk (attention_walk.h):
/// (score, batch, head, query, key, captures...) -> score, and with the cotangent of the score that it gives behind the
/// place, the cotangent of the one that it got. Places are i32 like the scores; ends of queries and keys are aligned.
struct ScoreFunction {
  GraphRef value[2], gradient[2];  ///< by WalkBy
};

/// What attention reads. Null: there is none.
struct AttentionOperands {
  Value q, k, v;                ///< [B, H, T, D], [B, H, S, D], [B, H, S, E], in f32 or f64
  Value mask;                   ///< bool or floats, of rank 4, broadcasts to [B, H, T, S]
  Value factor;                 ///< of the weights, the same
  Value sinks;                  ///< [H]: a score that each row has besides those of its keys, with no value
  Value segments;               ///< integers [B, S], S = T: only what has the same number is seen
  std::vector<Value> captures;  ///< of the score function
};

/// [B, H, T, E]. `score` may be null.
Value attention_by_blocks(const AttentionOperands& operands, const ScoreForm& form, const ScoreFunction* score);

}  // namespace strata::ops
