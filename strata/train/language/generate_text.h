// Text by a trained language model of any architecture.
#pragma once

#include <string>
#include <string_view>

#include "strata/infer/generation/generate.h"
#include "strata/models/model.h"
#include "strata/text/bpe/tokenizer.h"

namespace strata::train {

/// Continues a text by a model that returns the next tokens. The result has the prompt in front.
std::string generate_text(const models::Model& model, const text::Tokenizer& tokenizer, std::string_view prompt,
                          infer::GenerateOptions options);

/// A trained model out of a run folder, without its data.
struct LanguageModel {
  models::Model model;
  int64_t context = 0;  ///< tokens
  text::Tokenizer tokenizer;

  /// Continues a text; `options.context` is the model's.
  std::string continued(std::string_view prompt, infer::GenerateOptions options) const;
};
/// Throws E0706 for a run whose model returns no tokens, E0702, E0705, E0709 for a tokenizer that isn't the run's.
LanguageModel load_language_model(const std::string& run_path);

}  // namespace strata::train
