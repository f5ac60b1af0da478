// Legend: B batch, T time, K classes, V vocabulary.
#include "strata/train/supervised/objective.h"

#include <numbers>

#include "strata/nn/loss.h"
#include "strata/ops/reduce/reduce.h"

namespace strata::train {
namespace {

Tensor mean_cross_entropy(const Tensor& logits, const Tensor& y) { return nn::cross_entropy(logits, y); }
Tensor summed_cross_entropy(const Tensor& logits, const Tensor& y) {
  return nn::cross_entropy(logits, y, {.reduction = nn::Reduction::Sum});
}
Tensor likeliest(const Tensor& logits_BK) { return argmax(logits_BK, 1); }

Measure mean_loss(const std::string& part, const Tally& t) {
  return {part + "_loss", t.loss / static_cast<double>(t.targets), true};
}

std::vector<Measure> measures_of_classes(const std::string& part, const Tally& t) {
  return {mean_loss(part, t), {part + "_accuracy", static_cast<double>(t.right) / static_cast<double>(t.targets)}};
}

/// Bits per byte: the sum of -log2 of the probabilities divided by the bytes of the text. It doesn't depend on the
/// tokenizer, as the loss of a token does.
std::vector<Measure> measures_of_tokens(const std::string& part, const Tally& t) {
  std::vector<Measure> all = {mean_loss(part, t)};
  if (t.text_bytes > 0)
    all.push_back({"bits_per_byte", t.loss / std::numbers::ln2 / static_cast<double>(t.text_bytes)});
  return all;
}

constexpr Objective kClasses = {mean_cross_entropy, summed_cross_entropy, likeliest, measures_of_classes};
constexpr Objective kNextTokens = {mean_cross_entropy, summed_cross_entropy, nullptr, measures_of_tokens};

}  // namespace

const Objective& objective_of(models::Output output) {
  return output == models::Output::Classes ? kClasses : kNextTokens;
}

}  // namespace strata::train
