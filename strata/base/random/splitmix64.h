// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a few well-mixed
// words from a seed, the same in every process and build, unlike std::uniform_int_distribution. For schedules, test
// data and hashes; what a program draws is Philox (philox.h).
#pragma once

#include <cstdint>

namespace strata::base {

/// The finaliser: each bit of the result depends on every bit of x.
constexpr uint64_t mix_bits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

inline constexpr uint64_t kGoldenRatio64 = 0x9E3779B97F4A7C15u;

class SplitMix64 {
 public:
  /// Seeds that are multiples of the golden ratio apart give one stream, shifted: mix_bits(n) makes seeds of numbers.
  constexpr explicit SplitMix64(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() { return mix_bits(state_ += kGoldenRatio64); }
  /// Below n; the bias is below n / 2^64.
  constexpr uint64_t below(uint64_t n) { return next() % n; }
  /// [0, 1), multiples of 2^-53.
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace strata::base
