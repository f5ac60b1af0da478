// Sums over the steps of a loop that may be long: a chain of additions loses digits as it grows, so it begins anew
// after each block of steps, and goes into a total (decision 13).
#pragma once

#include <vector>

#include "strata/ops/control/control.h"

namespace strata::ops {

/// The state of such sums before a step, and after it by add_step().
struct BlockSums {
  std::vector<Value> sums, totals;
  Value steps;  ///< i64[]: how many were added

  /// Adds a step's terms, one for each sum, of any float dtype.
  void add_step(std::span<const Value> terms);
};

}  // namespace strata::ops
