// Dropout (Srivastava et al. 2014), recorded as a composite of its name.
#pragma once

#include "strata/ops/layout.h"

namespace strata::ops {

/// Each element of x is zero with probability `rate` in [0, 1) (E0116), by its index and the key (u32[2]); the others
/// are scaled by 1 / (1 - rate).
Value dropout(Value x, Value key, double rate);

template <Handle V>
V dropout(V x, V key, double rate, Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value k) { return dropout(v, k, rate); }, x, key);
}

}  // namespace strata::ops
