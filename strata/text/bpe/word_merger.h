// Applies merges within one word: the lowest rank first, the leftmost of equals, until none applies.
//
// Short words (nearly all) live in two arrays that are scanned for the minimum; long ones (a line of dashes, base64) in
// a linked list with a heap, which keeps the cost at n log n for hostile input. Both give the same tokens. Keeps its
// scratch memory between words.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "strata/text/bpe/merge_table.h"

namespace strata::text {

class WordMerger {
 public:
  WordMerger(const MergeTable& merges, const std::array<TokenId, 256>& byte_tokens)
      : merges_(&merges), byte_tokens_(&byte_tokens) {}

  /// The tokens of `word`, valid until the next call. Throws E0616 for a word of 4 GiB.
  std::span<const TokenId> merge(std::string_view word);

  static constexpr std::size_t kShortBytes = 48;  // at most this long: arrays

 private:
  struct Node {
    TokenId id;
    std::uint32_t previous, next;  // kEnd outside the word
  };
  // A pair that can merge; it is stale if `left` no longer begins that pair.
  struct Candidate {
    std::uint32_t rank, left;

    static bool later(const Candidate& a, const Candidate& b) {
      return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
    }
  };

  std::span<const TokenId> merge_short(std::string_view word);
  std::span<const TokenId> merge_long(std::string_view word);
  void push_candidate(std::uint32_t left);
  bool pop_candidate(Candidate& candidate);
  void join(std::uint32_t left, TokenId result);

  const MergeTable* merges_;
  const std::array<TokenId, 256>* byte_tokens_;
  std::vector<TokenId> tokens_;
  std::vector<Node> nodes_;
  std::vector<Candidate> heap_;
};

}  // namespace strata::text
