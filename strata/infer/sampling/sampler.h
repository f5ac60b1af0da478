// From a row of logits to the next token: temperature, top-k, and a draw that depends on nothing but seed and place.
#pragma once

#include <cstdint>
#include <span>

namespace strata::infer {

struct SamplingOptions {
  double temperature = 1;  ///< logits are divided by it; 0: the most likely token, of equals the first
  int64_t top_k = 0;       ///< only the k most likely tokens are drawn from; 0, or more than there are: all
  uint64_t seed = 0;
};

/// E0760 for a temperature that is negative or not finite, and a negative top_k.
void check_options(const SamplingOptions& options);

/// The token drawn at a place of the text (so the draws of a text are independent, and repeatable one by one). NaN
/// logits are never drawn. Throws E0706 for no logits, or none that is a number, and E0760.
int64_t sample(std::span<const float> logits, const SamplingOptions& options, int64_t place);

}  // namespace strata::infer
