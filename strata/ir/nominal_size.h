// A size for symbols that have none yet.
#pragma once

#include <cstdint>

#include "strata/ir/dim.h"

namespace strata::ir {

/// What `d` is where each symbol is 64, or the next that the facts allow: to compare formulas by before there is a
/// binding.
int64_t nominal_size(const Facts& facts, Dim d);

}  // namespace strata::ir
