// Learns a byte-level BPE vocabulary from text, as the Hugging Face `tokenizers` library's BpeTrainer does.
//
// Ids: special tokens first, then the 256 bytes in spelling order, then one token a merge. Each step merges the most
// frequent pair of neighbouring tokens within words; of equally frequent pairs the one with the smallest (left, right)
// ids. Pairs are counted at every place, overlaps included ("aaa" has "aa" twice). Same text, same tokenizer, bit for
// bit.
//
// Where it differs from that library on purpose: special tokens are cut out of the training text instead of being
// learned from, and when two different merges would make the same bytes the second reuses the token and is listed once.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/text/bpe/tokenizer.h"
#include "strata/text/bpe/word_counts.h"

namespace strata::text {

struct TrainProgress {
  enum class Phase { CountingWords, Merging } phase;
  std::uint64_t done, total;  // bytes (total 0: not known) or tokens
};

struct TrainBpeOptions {
  std::size_t vocabulary_size = 0;  // ids in all, special tokens and bytes included; fewer if the text gives no more
  std::vector<std::string> special_tokens = {};
  std::uint64_t min_frequency = 0;  // a pair that occurs less often is not merged
  std::function<void(const TrainProgress&)> progress = nullptr;
};

/// Takes the corpus in pieces of any size; a word does not continue from one piece into the next.
///
///   BpeTrainer trainer({.vocabulary_size = 8192, .special_tokens = {"<|endoftext|>"}});
///   while (source.next(document)) trainer.feed(document);
///   Tokenizer tokenizer = trainer.train();
class BpeTrainer {
 public:
  /// Throws E0612 if the vocabulary can't hold the bytes and the special tokens, E0615 for a bad special token.
  explicit BpeTrainer(TrainBpeOptions options);

  /// Counts the words of `text`.
  void feed(std::string_view text);

  /// Learns from what was fed; may be called again after more. Throws E0612.
  Tokenizer train() const;

  const WordCounts& words() const { return words_; }

 private:
  void feed_plain(std::string_view text);

  TrainBpeOptions options_;
  TokenizerParts base_;  // special tokens and bytes
  SpecialTokenFinder specials_;
  WordCounts words_;
  std::uint64_t fed_bytes_ = 0;
};

/// Feeds all chunks and trains.
Tokenizer train_bpe(std::span<const std::string_view> chunks, TrainBpeOptions options);

}  // namespace strata::text
