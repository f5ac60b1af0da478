// The gradients of attention in one walk: 5 products a block of scores, where a walk for dQ and another for dK and dV
// take 7, and half of the exponentials.
//
//   for each block of keys:               dK = dV = 0
//     for each block of queries:          P, dS of the block
//       dK += dS^T Q    dV += P^T dO      in the scratch of a task
//       dQ[block] += dS K                 where it lies in memory
//
// Each sum has the terms and the order of the two walks (attention_blocks.h), so the bits are the same. A head is one
// task, which is why it takes several of them; and it is a form to compute by, not to differentiate: its state is all
// of dQ.
#pragma once

#include <array>
#include <string_view>

#include "strata/ops/composites/attention_blocks.h"

namespace strata::ops {

/// The composite that gives dQ, dK and dV of attention, of its GradientOperands. Attributes: a ScoreForm's.
inline constexpr std::string_view kAttentionGradient = "attention_gradient";

struct GradientOperands {
  Value q, k, v;  ///< as attention's, in f32 or f64
  Value log_sum;  ///< [B, H, T]
  Value d_out;    ///< [B, H, T, E]
  Value delta;    ///< [B, H, T]: the sum of dO * O over a row
};

/// Whether extents are such that one walk is faster: several blocks, enough heads for the threads, channels that fill
/// vectors and fit a task's scratch.
bool is_for_one_walk(ir::Type q, ir::Type k, ir::Type v, const ScoreForm& form);

/// dQ, dK, dV.
std::array<Value, 3> gradients_in_one_walk(const GradientOperands& x, const ScoreForm& form);

}  // namespace strata::ops
