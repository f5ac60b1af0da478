// Random bits as a function of (seed, use, epoch, index), by Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011). What a sample is shuffled to and how it is augmented is such a function, so it depends on
// no worker and no order, and a run that continues in mid-epoch needs no generator's state.
#pragma once

#include <array>
#include <cstdint>

namespace strata::data {

/// 128 random bits as a function of a counter and a key.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0], b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// Which of the uses of randomness bits belong to, so that no two share them.
enum class RandomUse : uint32_t { Shuffle = 0x5348, Augment = 0x4155, Window = 0x5749 };

/// 128 bits for item `index` of `epoch`.
constexpr std::array<uint32_t, 4> random_bits(uint64_t seed, RandomUse use, int64_t epoch, int64_t index) {
  return philox({static_cast<uint32_t>(index), static_cast<uint32_t>(static_cast<uint64_t>(index) >> 32),
                 static_cast<uint32_t>(epoch), static_cast<uint32_t>(use)},
                {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

/// A number below `bound` from 64 random bits; the bias is below bound / 2^64.
constexpr int64_t below(int64_t bound, uint32_t high, uint32_t low) {
  const auto bits = uint64_t{high} << 32 | low;
  return static_cast<int64_t>((static_cast<unsigned __int128>(bits) * static_cast<uint64_t>(bound)) >> 64);
}

}  // namespace strata::data
