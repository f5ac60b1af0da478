// How often each word occurs in a corpus: the only thing that BPE training keeps of it.
//
// Flat open addressing over an arena: a slot is {hash, entry index}, an entry {offset, bytes, count}, and the bytes of
// all words lie end to end. Entries stand in order of first occurrence, so a pass over them is deterministic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::text {

class WordCounts {
 public:
  WordCounts();

  void add(std::string_view word, std::uint64_t times = 1);

  std::size_t size() const { return entries_.size(); }
  std::string_view word(std::size_t i) const { return {arena_.data() + entries_[i].offset, entries_[i].bytes}; }
  std::uint64_t count(std::size_t i) const { return entries_[i].count; }

  /// Bytes of all distinct words together.
  std::size_t total_bytes() const { return arena_.size(); }

 private:
  struct Entry {
    std::uint64_t offset, bytes, count;
  };
  struct Slot {
    std::uint32_t hash_top;  // tells most other words apart without touching their bytes
    std::uint32_t entry;     // index + 1; 0: empty
  };

  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> hashes_;  // of entries_, for growing
  std::string arena_;
};

}  // namespace strata::text
