// Continues a sequence of tokens with a language model, one token at a time.
//
// The model is asked for the logits of a whole window at once, padded behind to a fixed length: a causal model doesn't
// see the padding, and one compiled program serves every length. Nothing is kept between tokens (no KV cache).
#pragma once

#include <functional>
#include <vector>

#include "strata/infer/sampling/sampler.h"
#include "strata/ir/host_array.h"

namespace strata::infer {

/// Tokens i32 [1, context] -> logits f32 [1, context, vocabulary], each row from the tokens up to its own.
using WindowLogits = std::function<ir::HostArray(const ir::HostArray&)>;

struct GenerateOptions {
  SamplingOptions sampling = {};
  int64_t tokens = 100;                             ///< new ones at most
  int64_t context = 128;                            ///< of the model
  int64_t end_token = -1;                           ///< the generation ends before it; -1: none does
  std::function<void(int64_t)> on_token = nullptr;  ///< is told each token as it is made
};

/// The new tokens. The prompt has one token at least; of a longer one than the context the end counts. Throws E0706 and
/// E0760.
std::vector<int64_t> generate(const WindowLogits& model, std::vector<int64_t> prompt, const GenerateOptions& options);

}  // namespace strata::infer
