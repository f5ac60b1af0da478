// A random order of 0 .. count-1 that is computed place by place: no list to build, to store or to save for a resume.
//
// A Feistel network over the bits of the next power of two, whose results outside the range are mapped again until they
// fall inside ("cycle walking": Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002), on average
// less than twice.
#pragma once

#include <array>
#include <cstdint>

namespace strata::data {

class Permutation {
 public:
  /// The order of this seed and epoch; count >= 1.
  Permutation(int64_t count, uint64_t seed, int64_t epoch);

  /// What stands at `place`; a bijection of 0 .. count-1.
  int64_t operator()(int64_t place) const;

 private:
  static constexpr int kRounds = 8;

  uint64_t once(uint64_t value) const;

  uint64_t count_;
  int low_bits_, high_bits_;  ///< of the two halves; equal, or low has one more
  std::array<uint64_t, kRounds> keys_;
};

}  // namespace strata::data
