// The encoder's memory of words it has merged before: text repeats its words, so this is what encoding mostly does.
//
// A flat table of 32-byte slots; a word of at most 15 bytes and 4 tokens lies in the slot itself, so a hit is one cache
// line, two compares and a 16-byte copy:
//
//   low  8 bytes   the first 8 bytes of the word
//   high 8 bytes   the next 7, and its length in the last (0: empty slot)
//   ids  4 x 4     tokens; the top 8 bits of the first hold how many
//
// Probing ends after kProbe slots and then replaces one: memory is bounded and no input makes look-ups slow. The table
// starts small, so that encoding one sentence doesn't pay for clearing it, and doubles up to kMaxSlots (2 MiB: larger
// tables hit a little more often and miss the CPU's caches more).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/text/bpe/token.h"
#include "strata/text/bpe/word_hash.h"

namespace strata::text {

class WordCache {
 public:
  static constexpr std::size_t kMaxWordBytes = 15;
  static constexpr std::size_t kMaxTokens = 4;
  static constexpr std::size_t kMinSlots = 1 << 8, kMaxSlots = 1 << 16;

  struct Key {
    std::uint64_t low, high;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct alignas(32) Slot {
    Key key;
    TokenId ids[kMaxTokens];

    std::uint32_t count() const { return ids[0] >> 24; }
  };

  WordCache() : slots_(kMinSlots, Slot{}) {}

  /// The slot that holds `key`, or null.
  const Slot* find(Key key) const {
    const std::size_t mask = slots_.size() - 1;
    const std::size_t home = home_of(key);
    for (std::size_t i = 0; i < kProbe; ++i) {
      const Slot& slot = slots_[(home + i) & mask];
      if (slot.key == key) return &slot;
    }
    return nullptr;
  }

  /// Remembers the 1 to kMaxTokens tokens of a word that find() didn't know.
  void insert(Key key, std::span<const TokenId> ids);

 private:
  static constexpr std::size_t kProbe = 4;

  std::size_t home_of(Key key) const { return hash_words(key.low, key.high) & (slots_.size() - 1); }
  void place(const Slot& slot);
  void grow();

  std::vector<Slot> slots_;  // a power of two
  std::size_t used_ = 0;     // slots that aren't empty
  std::uint32_t victim_ = 0;
};

}  // namespace strata::text
