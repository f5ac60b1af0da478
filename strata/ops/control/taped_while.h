// Reverse mode of a while whose number of steps is found when it runs.
#pragma once

#include "strata/ops/facets/rules.h"

namespace strata::ops {

/// The rule of such a while: one node of the op taped_while.
void transpose_by_tape(ir::Transpose& t);

}  // namespace strata::ops
