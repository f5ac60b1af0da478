// The state of BPE training: the distinct words as linked lists of tokens, and for each pair of neighbours how often it
// occurs and where.
//
//   nodes_   one per byte of every distinct word; a node that was merged away is skipped by its neighbours' links
//   pairs_   {pair, count, places}: count is exact at all times; places are the left nodes where the pair was once made
//            and may be stale, so each is checked when it is used
//
// Work per merge is proportional to the pair's own places, never to the length of the words they are in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/text/bpe/token.h"
#include "strata/text/bpe/word_counts.h"

namespace strata::text {

class PairIndex {
 public:
  struct Pair {
    std::uint64_t key;   // pair_key(left, right)
    std::int64_t count;  // over the corpus
    std::vector<std::uint32_t> places;
  };

  /// Throws E0612 when the distinct words have 4 GiB together. `byte_tokens` are the ids of the 256 bytes.
  PairIndex(const WordCounts& words, std::span<const TokenId, 256> byte_tokens);

  std::size_t size() const { return pairs_.size(); }
  const Pair& pair(std::size_t i) const { return pairs_[i]; }

  /// Replaces every occurrence of pair `i` by `result`, left to right within a word, and returns the pairs that gained
  /// occurrences (valid until the next call).
  std::span<const std::uint32_t> merge(std::size_t i, TokenId result);

 private:
  struct Node {
    TokenId token;
    std::uint32_t previous, next;  // kEnd at the ends of a word
    std::uint32_t word;
  };

  std::uint32_t pair_at(std::uint64_t key);
  void grow();
  void add_occurrence(std::uint32_t left, TokenId a, TokenId b, std::uint64_t times);
  void drop_occurrence(TokenId a, TokenId b, std::uint64_t times);
  void merge_at(std::uint32_t left, TokenId result);

  std::vector<Node> nodes_;
  std::vector<std::uint64_t> word_counts_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> slots_;   // pair index + 1, 0: empty; a power of two, at most half full
  std::vector<std::uint32_t> gained_;  // pairs that gained in this merge, each once
  std::vector<std::uint32_t> stamps_;  // by pair: the merge in which it last gained
  std::uint32_t merges_done_ = 0;
};

}  // namespace strata::text
