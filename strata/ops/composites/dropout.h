// Dropout (Srivastava et al. 2014), recorded as a composite of its name.
#pragma once

#include "strata/base/config/bounds.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

/// A probability, of which 1 would leave nothing.
inline constexpr base::Bounds kDropRate = base::Bounds::below(0, 1);

/// Each element of x is zero with probability `rate` (E0116 outside of kDropRate), by its index and the key (u32[2]);
/// the others are scaled by 1 / (1 - rate).
STRATA_FUNCTION(dropout, (x, key), (double rate), (rate))

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::dropout;

}  // namespace strata
