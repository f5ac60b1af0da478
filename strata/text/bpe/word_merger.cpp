#include "strata/text/bpe/word_merger.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::text {
namespace {

constexpr std::uint32_t kEnd = 0xFFFFFFFF;

// Closes the gap at `at` in an array of `count` entries.
template <class T>
void erase_at(T* array, std::size_t at, std::size_t count) {
  std::memmove(array + at, array + at + 1, (count - at - 1) * sizeof(T));
}

}  // namespace

std::span<const TokenId> WordMerger::merge(std::string_view word) {
  return word.size() <= kShortBytes ? merge_short(word) : merge_long(word);
}

std::span<const TokenId> WordMerger::merge_short(std::string_view word) {
  std::uint32_t ranks[kShortBytes];  // of the pair that begins at each token
  tokens_.resize(kShortBytes);
  TokenId* const ids = tokens_.data();
  std::size_t count = word.size();
  for (std::size_t i = 0; i < count; ++i) ids[i] = (*byte_tokens_)[static_cast<std::uint8_t>(word[i])];
  for (std::size_t i = 0; i + 1 < count; ++i) ranks[i] = merges_->find(ids[i], ids[i + 1]).rank;
  while (count > 1) {
    const std::size_t at = std::min_element(ranks, ranks + count - 1) - ranks;
    if (ranks[at] == kNoMerge) break;
    ids[at] = merges_->find(ids[at], ids[at + 1]).result;
    erase_at(ids, at + 1, count);
    if (at + 2 < count) erase_at(ranks, at + 1, count - 1);
    --count;
    if (at > 0) ranks[at - 1] = merges_->find(ids[at - 1], ids[at]).rank;
    if (at + 1 < count) ranks[at] = merges_->find(ids[at], ids[at + 1]).rank;
  }
  return {ids, count};
}

std::span<const TokenId> WordMerger::merge_long(std::string_view word) {
  if (word.size() >= kEnd)
    throw base::Error(base::code::kLongWord,
                      fmt::format("encode: a word of {} bytes, at most {}", word.size(), kEnd - 1));
  const std::uint32_t count = word.size();
  nodes_.resize(count);
  heap_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes_[i] = {(*byte_tokens_)[static_cast<std::uint8_t>(word[i])], i - 1, i + 1 < count ? i + 1 : kEnd};
  }
  for (std::uint32_t i = 0; i < count; ++i) push_candidate(i);
  for (Candidate best; pop_candidate(best);) {
    const Node& node = nodes_[best.left];
    if (node.next == kEnd) continue;
    const MergeTable::Entry& merge = merges_->find(node.id, nodes_[node.next].id);
    if (merge.rank == best.rank) join(best.left, merge.result);
  }
  tokens_.clear();
  for (std::uint32_t i = 0; i != kEnd; i = nodes_[i].next) tokens_.push_back(nodes_[i].id);
  return tokens_;
}

void WordMerger::push_candidate(std::uint32_t left) {
  const Node& node = nodes_[left];
  if (node.next == kEnd) return;
  const std::uint32_t rank = merges_->find(node.id, nodes_[node.next].id).rank;
  if (rank == kNoMerge) return;
  heap_.push_back({rank, left});
  std::push_heap(heap_.begin(), heap_.end(), &Candidate::later);
}

bool WordMerger::pop_candidate(Candidate& candidate) {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), &Candidate::later);
  candidate = heap_.back();
  heap_.pop_back();
  return true;
}

// The token at `left` swallows its right neighbour, whose node leaves the list (and reads as stale: no next).
void WordMerger::join(std::uint32_t left, TokenId result) {
  Node& node = nodes_[left];
  Node& gone = nodes_[node.next];
  node.id = result;
  node.next = gone.next;
  if (gone.next != kEnd) nodes_[gone.next].previous = left;
  gone.next = kEnd;
  if (node.previous != kEnd) push_candidate(node.previous);
  push_candidate(left);
}

}  // namespace strata::text
