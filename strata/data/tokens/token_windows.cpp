#include "strata/data/tokens/token_windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/sampling/random_bits.h"

namespace strata::data {
namespace {

using base::Error;

std::vector<SampleField> window_fields(int64_t window) {
  return {{.name = "input", .dtype = ir::DType::i32, .shape = {window}},
          {.name = "target", .dtype = ir::DType::i32, .shape = {window}}};
}

}  // namespace

RandomWindows::RandomWindows(std::shared_ptr<const TokenFile> tokens, int64_t window)
    : tokens_(std::move(tokens)), window_(window), count_(0), fields_(window_fields(window)) {
  base::OptionCheck(base::code::kShortText, "tokens").integer("window", window_, base::kExtent);
  if (tokens_->size() <= window_)
    throw Error(base::code::kShortText, fmt::format("tokens: windows of {} need {} tokens, the text has {}", window_,
                                                    window_ + 1, tokens_->size()));
  count_ = (tokens_->size() - 1) / window_;
}

void RandomWindows::read(int64_t index, Draw draw, std::span<std::byte* const> places) const {
  const auto bits = random_bits(draw.seed, RandomUse::Window, draw.epoch, index);
  const int64_t first = below(tokens_->size() - window_, bits[0], bits[1]);
  tokens_->copy(first, window_, reinterpret_cast<int32_t*>(places[0]));
  tokens_->copy(first + 1, window_, reinterpret_cast<int32_t*>(places[1]));
}

EvaluationWindows::EvaluationWindows(std::shared_ptr<const TokenFile> tokens, EvaluationOptions options)
    : tokens_(std::move(tokens)), options_(options), length_(tokens_->size() + (options.start_token ? 1 : 0)) {
  if (options_.stride == 0) options_.stride = options_.window;
  base::OptionCheck(base::code::kShortText, "tokens")
      .integer("window", options_.window, base::kExtent)
      .integer("stride", options_.stride, base::Bounds::between(1, options_.window));
  if (length_ < 2) throw Error(base::code::kShortText, fmt::format("tokens: {} leave nothing to predict", length_));
  if (options_.start_token && *options_.start_token >= tokens_->vocabulary_size())
    throw Error(base::code::kShortText, fmt::format("tokens: the start token {} is outside a vocabulary of {}",
                                                    *options_.start_token, tokens_->vocabulary_size()));
  // The first window counts all of its targets, each further one its last `stride`.
  const int64_t behind = std::max<int64_t>(0, predicted() - options_.window);
  count_ = 1 + (behind + options_.stride - 1) / options_.stride;
  fields_ = window_fields(options_.window);
}

int32_t EvaluationWindows::token(int64_t position) const {
  if (options_.start_token) {
    if (position == 0) return *options_.start_token;
    --position;
  }
  return tokens_->at(position);
}

void EvaluationWindows::read(int64_t index, Draw, std::span<std::byte* const> places) const {
  const int64_t first = index * options_.stride;
  const int64_t known = index == 0 ? 0 : options_.window - options_.stride;  // counted by the windows before
  auto* input = reinterpret_cast<int32_t*>(places[0]);
  auto* target = reinterpret_cast<int32_t*>(places[1]);
  for (int64_t t = 0; t < options_.window; ++t) {
    const bool inside = first + t + 1 < length_;
    input[t] = inside ? token(first + t) : 0;
    target[t] = inside && t >= known ? token(first + t + 1) : kIgnoredTarget;
  }
}

}  // namespace strata::data
