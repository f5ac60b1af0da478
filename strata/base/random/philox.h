// Philox4x32-10: 128 random bits as a function of a counter and a key (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). There is no state, so what is drawn depends on no order and no thread. Not
// for secrets.
//
// The words are those of Random123, least significant first. Whoever draws keeps uses of one key apart by the counter's
// upper words.
#pragma once

#include <array>
#include <cstdint>

namespace strata::base {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

inline constexpr int kPhiloxRounds = 10;
inline constexpr uint32_t kPhiloxMultipliers[] = {0xD2511F53, 0xCD9E8D57};
inline constexpr uint32_t kPhiloxWeyl[] = {0x9E3779B9, 0xBB67AE85};  ///< added to the key after each round

constexpr PhiloxCounter philox(PhiloxCounter x, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxMultipliers[0]} * x[0], p1 = uint64_t{kPhiloxMultipliers[1]} * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ key[1], static_cast<uint32_t>(p0)};
    key = {key[0] + kPhiloxWeyl[0], key[1] + kPhiloxWeyl[1]};
  }
  return x;
}

/// Low and high word.
constexpr PhiloxKey philox_key(uint64_t seed) {
  return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
}

/// `number` in the low words, so that the high ones may name what the bits are for.
constexpr PhiloxCounter philox_counter(uint64_t number, uint32_t word2, uint32_t word3) {
  return {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), word2, word3};
}

}  // namespace strata::base
