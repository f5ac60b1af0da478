#include "strata/infer/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/random/philox.h"

namespace strata::infer {
namespace {

constexpr uint32_t kSamplingUse = 0x534D;  // keeps these bits apart from other uses of the same seed

/// In [0, 1), 53 bits.
double uniform_at(uint64_t seed, int64_t place) {
  const auto bits = base::philox(base::philox_counter(place, 0, kSamplingUse), base::philox_key(seed));
  return static_cast<double>((uint64_t{bits[0]} << 32 | bits[1]) >> 11) * 0x1p-53;
}

/// Tokens that may be drawn, the most likely first; of equals the first token.
std::vector<int64_t> candidates(std::span<const float> logits, int64_t top_k) {
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) tokens.push_back(i);
  const auto is_likelier = [&](int64_t a, int64_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  const size_t count = top_k > 0 ? std::min<size_t>(tokens.size(), top_k) : tokens.size();
  std::partial_sort(tokens.begin(), tokens.begin() + count, tokens.end(), is_likelier);
  tokens.resize(count);
  return tokens;
}

}  // namespace

void check_options(const SamplingOptions& options) {
  base::OptionCheck(base::code::kOptionOutOfRange, "sample")
      .number("temperature", options.temperature, base::Bounds::at_least(0))
      .integer("top_k", options.top_k, base::Bounds::at_least(0));
}

int64_t sample(std::span<const float> logits, const SamplingOptions& options, int64_t place) {
  check_options(options);
  const std::vector<int64_t> tokens = candidates(logits, options.temperature > 0 ? options.top_k : 1);
  if (tokens.empty()) throw base::Error(base::code::kUnableModel, "sampling: no logit is a number");
  if (options.temperature <= 0) return tokens[0];
  const double highest = logits[tokens[0]];
  std::vector<double> sums;  // running
  double total = 0;
  for (int64_t t : tokens) {
    const double distance =
        logits[t] == highest ? 0 : (logits[t] - highest) / options.temperature;  // inf - inf is no 0
    sums.push_back(total += std::exp(distance));
  }
  const double drawn = uniform_at(options.seed, place) * total;
  const size_t chosen = std::upper_bound(sums.begin(), sums.end(), drawn) - sums.begin();
  return tokens[std::min(chosen, tokens.size() - 1)];
}

}  // namespace strata::infer
