// Scaled dot-product attention and rotary positions: [B, H, T, D]. Each is recorded as a composite of its
// name.
#pragma once

#include "strata/base/config/bounds.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/optional.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

struct AttentionOptions {
  bool is_causal = false;       ///< position i sees positions up to i (aligned at the ends when the lengths differ)
  std::optional<double> scale;  ///< 1 / sqrt(D) by default
  int64_t window = 0;           ///< positions nearer than this are seen, behind and, if not causal, ahead; 0: any
  double soft_cap = 0;          ///< cap * tanh(score / cap) instead of the score (Gemma 2); 0: none
  /// Keys whose largest score, sum and weighted values are computed alone and then folded, in ascending order: part of
  /// what attention means, so that its bits depend on nothing else (attention_blocks.h).
  int64_t key_block = 64;
};
/// Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762): q [B, H, T, D], k [B, G, S, D], v [B, G, S, E]
/// with H a multiple of G (grouped queries) give [B, H, T, E]. What may be null:
///
///   mask      broadcastable to [B, H, T, S]; bool, true: may look; or floats that are added to the scores, -inf: may
///             not. [1, H, 1, S] of slope[h] * key is ALiBi: what is the same for a row is nothing to its softmax.
///   factor    floats, broadcastable to [B, H, T, S], which multiply the weights behind the softmax: dropout
///   sinks     floats [H], one more score for each row of a head, which has no value
///   segments  integers [B, S], T = S: sequences packed into one, of which each sees itself alone; with the bits that
///             it has alone where it begins at a multiple of the key block
///
/// A row that may look at nothing gives 0, and its gradients are 0. What a row may not look at contributes nothing to
/// it or to any derivative, whatever memory holds there, NaN included; and so the other way round. Scores and softmax
/// of half floats are in f32.
/// Errors: E0100 operands of another dtype, E0101 of another rank or shape, E0102 extents that differ, E0116
/// an option out of its bounds, E0119 a symbolic D without a scale.
Value attention(Value q, Value k, Value v, Value mask, const AttentionOptions& options = {}, Value factor = {},
                Value sinks = {}, Value segments = {});

struct ScoreFunction;  // attention_blocks.h
/// The same of q, k and v with a function of each score, in front of what position hides. No composite: a name would
/// not say what it does.
Value attention_with_score(Value q, Value k, Value v, const ScoreFunction& score, const std::vector<Value>& captures,
                           const AttentionOptions& options);

/// Rotary embedding of x [..., T, D], D even, at `positions` (integers [T]): pairs (d, d + D/2) turn by
/// position * base^(-2d / D), as in GPT-NeoX and Llama.
STRATA_FUNCTION(rope, (x, positions), (double base = 10000.0), (base))
inline constexpr base::Bounds kRopeBase = base::Bounds::above(0);

template <Handle V>
V attention(V q, V k, V v, const Optional<V>& mask = std::nullopt, const AttentionOptions& options = {},
            const Optional<V>& factor = std::nullopt, const Optional<V>& sinks = std::nullopt,
            const Optional<V>& segments = std::nullopt, Source at = Source::here()) {
  const auto record = [&](Value a, Value b, Value c, Value m, Value f, Value s, Value g) {
    return attention(a, b, c, m, options, f, s, g);
  };
  return lift<V>(at, record, q, k, v, mask, factor, sinks, segments);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::AttentionOptions, ops::attention, ops::rope;

}  // namespace strata
