// Random bits as a function of (seed, use, epoch, index). What a sample is shuffled to and how it is augmented is such
// a function, so it depends on no worker and no order, and a run that continues in mid-epoch needs no generator's
// state.
#pragma once

#include <array>
#include <cstdint>

#include "strata/base/random/philox.h"

namespace strata::data {

/// Which of the uses of randomness bits belong to, so that no two share them.
enum class RandomUse : uint32_t { Shuffle = 0x5348, Augment = 0x4155, Window = 0x5749 };

/// 128 bits for item `index` of `epoch`.
constexpr std::array<uint32_t, 4> random_bits(uint64_t seed, RandomUse use, int64_t epoch, int64_t index) {
  return base::philox(base::philox_counter(index, static_cast<uint32_t>(epoch), static_cast<uint32_t>(use)),
                      base::philox_key(seed));
}

/// A number below `bound` from 64 random bits; the bias is below bound / 2^64.
constexpr int64_t below(int64_t bound, uint32_t high, uint32_t low) {
  const auto bits = uint64_t{high} << 32 | low;
  return static_cast<int64_t>((static_cast<unsigned __int128>(bits) * static_cast<uint64_t>(bound)) >> 64);
}

}  // namespace strata::data
