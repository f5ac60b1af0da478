// A GPT that learns to continue text.
//
// Bits per byte: all tokens of the held-out text are predicted once, the first from the end-of-text token, through
// windows of the model's context that overlap by half, so that each token but the first has at least half a context of
// left neighbours. The sum of -log2 of the probabilities is divided by the bytes of the text: a figure that doesn't
// depend on the tokenizer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/infer/generation/generate.h"
#include "strata/models/gpt.h"
#include "strata/text/bpe/tokenizer.h"
#include "strata/train/task.h"

namespace strata::train {

std::unique_ptr<Task> make_language_task(const base::Config& config);

/// The model.* keys. Refuses a width that isn't a multiple of the heads.
models::GptConfig gpt_config(const base::Config& config);

/// Keys that a checkpoint must agree with though its tensors' shapes don't show them.
constexpr std::string_view kLanguageSettings[] = {"model.kind", "model.heads"};

/// Throws E0709 unless the snapshot's run had this tokenizer.
void require_tokenizer(const Snapshot& snapshot, const text::Tokenizer& tokenizer);

/// Continues a text. The result has the prompt in front.
std::string generate_text(const models::Gpt& model, const text::Tokenizer& tokenizer, std::string_view prompt,
                          infer::GenerateOptions options);

/// A trained model out of a run folder, without its data.
struct TrainedGpt {
  models::Gpt model;
  text::Tokenizer tokenizer;
};
/// Throws E0706 for a run of another kind of model, E0702, E0705, E0709 for a tokenizer that isn't the run's.
TrainedGpt load_trained_gpt(const std::string& run_path);

}  // namespace strata::train
