// A GPT-2-style language model: token and position embeddings, pre-norm blocks of causal attention and an MLP, tied
// head. Radford et al. 2019; initial values as there: normal 0.02, residual projections divided by sqrt(2 layers).
//
//   wte.weight [vocabulary, width], wpe.weight [context, width]
//   h.0.ln_1, h.0.attn.in_proj_weight, h.0.attn.out_proj, h.0.ln_2, h.0.mlp.c_fc, h.0.mlp.c_proj, ...
//   ln_f, lm_head.weight [vocabulary, width] (absent when tied)
#pragma once

#include <vector>

#include "strata/base/config/bounds.h"
#include "strata/nn/attention.h"
#include "strata/nn/context.h"
#include "strata/nn/dropout.h"
#include "strata/nn/linear.h"
#include "strata/nn/norm.h"

namespace strata::models {

inline constexpr base::Bounds kGptLayers = base::Bounds::between(1, 1000);
inline constexpr base::Bounds kGptWidth = base::Bounds::between(1, 65536);
inline constexpr base::Bounds kGptHeads = base::Bounds::between(1, 1024);
inline constexpr base::Bounds kGptContext = base::Bounds::between(1, 1000000);

struct GptConfig {
  int64_t layers = 4, width = 192, heads = 6, vocabulary = 4096, context = 128;
  double dropout = 0;  ///< of the embeddings, the attention weights and both residual branches, as in GPT-2
  bool has_bias = true, is_tied = true;
};

struct GptMlp {
  nn::Linear c_fc, c_proj;
  STRATA_FIELDS(c_fc, c_proj)
  Tensor operator()(const Tensor& x_BTE, Source at = Source::here()) const;
};

struct GptBlock {
  nn::LayerNorm ln_1;
  nn::MultiHeadAttention attn;
  nn::LayerNorm ln_2;
  GptMlp mlp;
  nn::Dropout attn_dropout, mlp_dropout;
  STRATA_FIELDS(ln_1, attn, ln_2, mlp, attn_dropout, mlp_dropout)
  Tensor operator()(const Tensor& x_BTE, nn::Context& context, Source at = Source::here()) const;
};

class Gpt {
 public:
  /// E0760 names what is out of its bounds.
  explicit Gpt(const GptConfig& config = {}, Source at = Source::here());

  GptConfig config;
  nn::Embedding wte, wpe;
  nn::Dropout dropout;
  std::vector<GptBlock> h;
  nn::LayerNorm ln_f;
  nn::Linear lm_head;
  STRATA_FIELDS(wte, wpe, dropout, h, ln_f, lm_head)

  bool lacks(std::string_view field) const { return config.is_tied && field == "lm_head" && !lm_head.weight.defined(); }
  void initialise(const nn::Initialiser& init);
  /// ids [B, T] (integers, T up to the context) -> logits [B, T, vocabulary].
  Tensor operator()(const Tensor& ids_BT, nn::Context& context, Source at = Source::here()) const;
  /// Without the head: [B, T, width].
  Tensor features(const Tensor& ids_BT, nn::Context& context, Source at = Source::here()) const;
};

}  // namespace strata::models
