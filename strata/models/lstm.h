// A recurrent regression and language model: LSTM layers and a linear head at every step.
#pragma once

#include "strata/nn/linear.h"
#include "strata/nn/recurrent.h"

namespace strata::models {

/// Predicts a vector at every step from the values up to there: [B, T, in] -> [B, T, out].
struct LstmRegressor {
  int64_t in = 1, hidden = 32, out = 1, layers = 1;
  nn::Lstm lstm{in, hidden, {.layers = layers}};
  nn::Linear head{hidden, out};
  STRATA_FIELDS(lstm, head)

  Tensor operator()(const Tensor& x_BTI, Source at = Source::here()) const;
};

/// Next-token logits: ids [B, T] -> [B, T, vocabulary].
struct LstmLanguageModel {
  int64_t vocabulary = 256, width = 64, hidden = 128, layers = 1;
  nn::Embedding embedding{vocabulary, width};
  nn::Lstm lstm{width, hidden, {.layers = layers}};
  nn::Linear head{hidden, vocabulary};
  STRATA_FIELDS(embedding, lstm, head)

  Tensor operator()(const Tensor& ids_BT, Source at = Source::here()) const;
};

}  // namespace strata::models
