// Multi-head attention (Vaswani et al. 2017) with grouped key heads (Ainslie et al. 2023) and rotary positions (Su et
// al. 2021).
#pragma once

#include <optional>

#include "strata/nn/context.h"
#include "strata/nn/linear.h"

namespace strata::nn {

/// Turns queries and keys [..., T, D] by their positions; pairs (d, d + D/2), as in GPT-NeoX and Llama.
struct Rope {
  double base = 10000;
  STRATA_FIELDS(base)

  /// `first`: the position of row 0.
  Tensor operator()(const Tensor& x, int64_t first = 0, Source at = Source::here()) const;
  /// At positions [T] of any integer dtype.
  Tensor operator()(const Tensor& x, const Tensor& positions, Source at = Source::here()) const;
};

struct AttentionOptions {
  int64_t key_heads = 0;  ///< heads of keys and values; 0: as many as query heads
  bool is_causal = false;
  Bias has_bias = Bias::Learned;
  std::optional<Rope> rope = std::nullopt;
  double dropout = 0;  ///< of the weights, in training
  STRATA_FIELDS(key_heads, is_causal, rope, dropout)
};

/// Self-attention of x [B, T, width], and attention to a memory [B, S, width].
///
///   in_proj_weight [width + 2 key width, width], in_proj_bias     rows: queries, keys, values (key width = key_heads *
///   D) out_proj.weight [width, width], out_proj.bias
///
/// PyTorch's names, layout and initial values (Xavier uniform; biases zero), for PyTorch's case key_heads = heads.
struct MultiHeadAttention {
  int64_t width = 0, heads = 1;
  AttentionOptions options{};
  Tensor in_proj_weight{}, in_proj_bias{};
  Linear out_proj{width, width, options.has_bias};
  Path path{};
  STRATA_FIELDS(in_proj_weight, in_proj_bias, out_proj, heads, options)

  bool lacks(std::string_view field) const { return lacks_bias(options.has_bias, in_proj_bias, field, "in_proj_bias"); }
  void initialise(const Initialiser& init);
  /// `mask`: broadcastable to [B, heads, T, T]; bool, true where a position may be seen, or floats that are added to
  /// the scores; undefined: all may be seen. What may see nothing is 0.
  Tensor operator()(const Tensor& x_BTE, Context& context, const Tensor& mask = {}, Source at = Source::here()) const;
  Tensor attend(const Tensor& x_BTE, const Tensor& memory_BSE, Context& context, const Tensor& mask = {},
                Source at = Source::here()) const;
  /// Without dropout.
  Tensor operator()(const Tensor& x_BTE, const Tensor& mask = {}, Source at = Source::here()) const;
  Tensor attend(const Tensor& x_BTE, const Tensor& memory_BSE, const Tensor& mask = {},
                Source at = Source::here()) const;
};

}  // namespace strata::nn
