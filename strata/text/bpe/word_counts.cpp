#include "strata/text/bpe/word_counts.h"

#include "strata/text/bpe/word_hash.h"

namespace strata::text {

WordCounts::WordCounts() : slots_(1 << 12) {}

void WordCounts::add(std::string_view bytes, std::uint64_t times) {
  const std::uint64_t hash = hash_bytes(bytes);
  const std::size_t mask = slots_.size() - 1;
  const std::uint32_t top = hash >> 32;
  std::size_t at = hash & mask;
  for (; slots_[at].entry != 0; at = (at + 1) & mask) {
    if (slots_[at].hash_top == top && word(slots_[at].entry - 1) == bytes) {
      entries_[slots_[at].entry - 1].count += times;
      return;
    }
  }
  entries_.push_back({arena_.size(), bytes.size(), times});
  hashes_.push_back(hash);
  arena_ += bytes;
  slots_[at] = {top, static_cast<std::uint32_t>(entries_.size())};
  if (entries_.size() * 2 > slots_.size()) grow();
}

void WordCounts::grow() {
  slots_.assign(slots_.size() * 2, {});
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    std::size_t at = hashes_[i] & mask;
    while (slots_[at].entry != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<std::uint32_t>(hashes_[i] >> 32), static_cast<std::uint32_t>(i + 1)};
  }
}

}  // namespace strata::text
