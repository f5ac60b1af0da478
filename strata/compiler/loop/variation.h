// Which of the schedules that keep the bits is taken. Variation 0 is the one that is known to be best; any other number
// is a random point of the space that a tuner may search: tiles, blocks, tasks, vector widths, windows or panels.
//
// No choice made here may change a bit of a result: tests train with several variations and compare.
#pragma once

#include <cstdint>

namespace strata::compiler {

class Variation {
 public:
  explicit Variation(uint64_t seed = 0) : state_(seed) {}

  bool is_best() const { return state_ == 0; }

  /// `best`, or a random number of low..high, both included.
  int64_t pick(int64_t best, int64_t low, int64_t high) {
    if (is_best() || high <= low) return best;
    return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
  }
  bool flip(bool best) { return pick(best ? 1 : 0, 0, 1) != 0; }

 private:
  /// SplitMix64 (Steele, Lea, Flood 2014).
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace strata::compiler
