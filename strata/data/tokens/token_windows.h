// Windows of a token file as samples of a language model: what stands there, and what comes next.
//
// Fields of both: "input" i32 [T] and "target" i32 [T], where target[t] is the token behind input[t].
//
//   tokens     a b c d e f ...
//   input        b c d         (T = 3)
//   target         c d e
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "strata/data/loader/dataset.h"
#include "strata/data/tokens/token_file.h"

namespace strata::data {

/// A target that doesn't count: PyTorch's default ignore_index.
constexpr int32_t kIgnoredTarget = -100;

/// For training: windows of T + 1 tokens at places drawn from (seed, epoch, index), each place as likely as any other.
/// An epoch is as many windows as fit side by side. Use it with Order::Sequential: the draw is the shuffling.
class RandomWindows : public Dataset {
 public:
  /// Throws E0641 when there are not T + 1 tokens.
  RandomWindows(std::shared_ptr<const TokenFile> tokens, int64_t window);

  int64_t size() const override { return count_; }
  const std::vector<SampleField>& fields() const override { return fields_; }
  void read(int64_t index, Draw draw, std::span<std::byte* const> places) const override;

 private:
  std::shared_ptr<const TokenFile> tokens_;
  int64_t window_, count_;
  std::vector<SampleField> fields_;
};

struct EvaluationOptions {
  int64_t window = 128;  ///< T
  int64_t stride = 0;    ///< tokens from one window to the next; 0: T. Less gives each more context
  std::optional<text::TokenId> start_token = {};  ///< stands before the first token, which else isn't predicted
};

/// For evaluation: each token is the target that counts in exactly one window; all others are kIgnoredTarget. Windows
/// go through the text in order; the last one is filled up with ignored targets.
class EvaluationWindows : public Dataset {
 public:
  /// Throws E0641 when nothing is to predict, or the stride is not in [1, T].
  EvaluationWindows(std::shared_ptr<const TokenFile> tokens, EvaluationOptions options);

  int64_t size() const override { return count_; }
  const std::vector<SampleField>& fields() const override { return fields_; }
  void read(int64_t index, Draw draw, std::span<std::byte* const> places) const override;

  /// Targets that count, over all windows.
  int64_t predicted() const { return length_ - 1; }

 private:
  int32_t token(int64_t position) const;

  std::shared_ptr<const TokenFile> tokens_;
  EvaluationOptions options_;
  int64_t length_;  ///< tokens with the start token
  int64_t count_ = 0;
  std::vector<SampleField> fields_;
};

}  // namespace strata::data
