#include "strata/data/sampling/permutation.h"

#include <bit>
#include <cstddef>

#include "strata/base/random/splitmix64.h"
#include "strata/data/sampling/random_bits.h"

namespace strata::data {
Permutation::Permutation(int64_t count, uint64_t seed, int64_t epoch) : count_(count) {
  const int bits = std::bit_width(count_ - 1);
  high_bits_ = bits / 2;
  low_bits_ = bits - high_bits_;
  for (int round = 0; round < kRounds; ++round) {
    const auto random = random_bits(seed, RandomUse::Shuffle, epoch, round);
    keys_[round] = uint64_t{random[1]} << 32 | random[0];
  }
}

uint64_t Permutation::once(uint64_t value) const {
  const uint64_t low_mask = (uint64_t{1} << low_bits_) - 1, high_mask = (uint64_t{1} << high_bits_) - 1;
  uint64_t low = value & low_mask, high = value >> low_bits_;
  // The halves change in turn, each by a function of the other, so the halves may differ in width.
  for (std::size_t round = 0; round < kRounds; round += 2) {
    high ^= base::mix_bits(low ^ keys_[round]) & high_mask;
    low ^= base::mix_bits(high ^ keys_[round + 1]) & low_mask;
  }
  return high << low_bits_ | low;
}

int64_t Permutation::operator()(int64_t place) const {
  uint64_t value = place;
  do value = once(value);
  while (value >= count_);
  return value;
}

}  // namespace strata::data
