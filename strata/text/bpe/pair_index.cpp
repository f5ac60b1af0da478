#include "strata/text/bpe/pair_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/text/bpe/word_hash.h"

namespace strata::text {
namespace {

constexpr std::uint32_t kEnd = 0xFFFFFFFF;

}  // namespace

PairIndex::PairIndex(const WordCounts& words, std::span<const TokenId, 256> byte_tokens) : slots_(1 << 16) {
  if (words.total_bytes() >= kEnd) {
    throw base::Error(base::code::kUntrainableTokenizer,
                      fmt::format("train_bpe: the distinct words of the corpus have {} bytes, at most {}",
                                  words.total_bytes(), kEnd - 1));
  }
  nodes_.reserve(words.total_bytes());
  word_counts_.reserve(words.size());
  for (std::size_t w = 0; w < words.size(); ++w) {
    const std::string_view bytes = words.word(w);
    const std::uint32_t begin = nodes_.size();
    const std::uint32_t end = begin + bytes.size();
    word_counts_.push_back(words.count(w));
    for (std::uint32_t i = begin; i < end; ++i) {
      const TokenId token = byte_tokens[static_cast<std::uint8_t>(bytes[i - begin])];
      nodes_.push_back({token, i == begin ? kEnd : i - 1, i + 1 < end ? i + 1 : kEnd, static_cast<std::uint32_t>(w)});
      if (i > begin) add_occurrence(i - 1, nodes_[i - 1].token, token, word_counts_.back());
    }
  }
}

std::span<const std::uint32_t> PairIndex::merge(std::size_t i, TokenId result) {
  ++merges_done_;
  gained_.clear();
  const TokenId left_token = pairs_[i].key >> 32, right_token = pairs_[i].key;
  std::vector<std::uint32_t> places = std::move(pairs_[i].places);
  pairs_[i].places = {};
  // Places of one pair come in text order unless two different merges made the same token.
  if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
  for (std::uint32_t left : places) {
    const Node& node = nodes_[left];
    if (node.token != left_token || node.next == kEnd || nodes_[node.next].token != right_token) continue;
    merge_at(left, result);
  }
  return gained_;
}

void PairIndex::merge_at(std::uint32_t left, TokenId result) {
  Node& node = nodes_[left];
  Node& gone = nodes_[node.next];
  const std::uint64_t times = word_counts_[node.word];
  drop_occurrence(node.token, gone.token, times);
  if (node.previous != kEnd) {
    drop_occurrence(nodes_[node.previous].token, node.token, times);
    add_occurrence(node.previous, nodes_[node.previous].token, result, times);
  }
  if (gone.next != kEnd) {
    drop_occurrence(gone.token, nodes_[gone.next].token, times);
    add_occurrence(left, result, nodes_[gone.next].token, times);
    nodes_[gone.next].previous = left;
  }
  node.token = result;
  node.next = gone.next;
  gone.next = kEnd;  // marks it: places that still name it are stale
}

void PairIndex::add_occurrence(std::uint32_t left, TokenId a, TokenId b, std::uint64_t times) {
  const std::uint32_t at = pair_at(pair_key(a, b));
  Pair& pair = pairs_[at];
  pair.count += times;
  pair.places.push_back(left);
  if (stamps_[at] == merges_done_) return;
  stamps_[at] = merges_done_;
  if (merges_done_ > 0) gained_.push_back(at);
}

void PairIndex::drop_occurrence(TokenId a, TokenId b, std::uint64_t times) {
  pairs_[pair_at(pair_key(a, b))].count -= times;
}

std::uint32_t PairIndex::pair_at(std::uint64_t key) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_words(key, 0) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (pairs_[slots_[at] - 1].key == key) return slots_[at] - 1;
  }
  pairs_.push_back({key, 0, {}});
  stamps_.push_back(0);
  slots_[at] = pairs_.size();
  const std::uint32_t index = pairs_.size() - 1;
  if (pairs_.size() * 2 > slots_.size()) grow();
  return index;
}

void PairIndex::grow() {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    std::size_t at = hash_words(pairs_[i].key, 0) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = i + 1;
  }
}

}  // namespace strata::text
