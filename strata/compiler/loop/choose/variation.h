// Which of the schedules that keep the bits is taken. Variation 0 is the one that is known to be best; any other number
// is a random point of the space that a tuner may search: tiles, blocks, tasks, vector widths, windows or panels.
//
// No choice made here may change a bit of a result: tests train with several variations and compare.
#pragma once

#include <cstdint>

#include "strata/base/random/splitmix64.h"

namespace strata::compiler {

class Variation {
 public:
  explicit Variation(uint64_t seed = 0) : is_best_(seed == 0), random_(seed) {}

  bool is_best() const { return is_best_; }

  /// `best`, or a random number of low..high, both included.
  int64_t pick(int64_t best, int64_t low, int64_t high) {
    if (is_best() || high <= low) return best;
    return low + static_cast<int64_t>(random_.below(static_cast<uint64_t>(high - low + 1)));
  }
  bool flip(bool best) { return pick(best ? 1 : 0, 0, 1) != 0; }

 private:
  bool is_best_;
  base::SplitMix64 random_;
};

}  // namespace strata::compiler
