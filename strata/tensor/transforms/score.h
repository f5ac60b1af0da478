// Attention with a function of the user's own on its scores, differentiable and in memory that grows with the length:
//
//   Tensor y = attention_with_score(q, k, v, [&](const Tensor& score, const ScorePlace& at) {
//     return score - slopes * cast(at.query - at.key, DType::f32);
//   }, {.is_causal = true});
#pragma once

#include <functional>

#include "strata/ops/composites/attention.h"
#include "strata/tensor/tensor.h"

namespace strata {

/// Where scores stand: i32, of their shape. The last query is at the position of the last key.
struct ScorePlace {
  Tensor batch, head, query, key;
};
/// The scores of a block, [B, H, ..., ...] in f32 or f64, element by element: which axis has the keys differs from call
/// to call, and so does the block. -inf hides a key: with select(c, score, -inf), where `c` knows nothing of the score,
/// whatever the key's memory holds. What it captures has no gradient.
using ScoreFn = std::function<Tensor(const Tensor& score, const ScorePlace& at)>;

/// q [B, H, T, D], k and v [B, G, S, D] give [B, H, T, D]; the function comes behind scale and soft cap. Errors as of
/// attention(); E0100 as well when the function gives another type than it got, E0206 when it mixes scores.
Tensor attention_with_score(const Tensor& q, const Tensor& k, const Tensor& v, const ScoreFn& score,
                            const ops::AttentionOptions& options = {}, Source at = Source::here());

}  // namespace strata
