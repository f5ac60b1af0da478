// From a pair of neighbouring tokens to the merge that joins them: a flat hash table, at most half full.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/text/bpe/token.h"
#include "strata/text/bpe/word_hash.h"

namespace strata::text {

/// Rank of a pair that no merge joins: above every rank.
constexpr std::uint32_t kNoMerge = 0xFFFFFFFF;

class MergeTable {
 public:
  struct Entry {
    std::uint64_t pair;
    std::uint32_t rank;  // kNoMerge: empty slot
    TokenId result;
  };

  MergeTable() : MergeTable(std::span<const Merge>{}) {}

  /// Where a pair stands twice in the list the later place counts, as in the `tokenizers` library.
  explicit MergeTable(std::span<const Merge> merges);

  /// The entry of the pair; its rank is kNoMerge if there is none.
  const Entry& find(TokenId left, TokenId right) const { return slots_[slot_of(pair_key(left, right))]; }

 private:
  std::size_t slot_of(std::uint64_t pair) const {
    std::size_t at = hash_words(pair, 0) >> shift_;
    while (slots_[at].rank != kNoMerge && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Entry> slots_;
  int shift_;
};

}  // namespace strata::text
