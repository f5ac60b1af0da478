// Sizes for a product of blocks of integers under scales whose columns lie in panels: how the sums of a block are made,
// the register tile and the tasks.
#pragma once

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Empty where the columns lie otherwise, or no dot product takes the integers.
std::optional<BlockSchedule> choose_blocks(const BlockProduct& product, ir::loops::LoopContext& context,
                                           const ir::Facts& facts, const machine::VectorUnit& vectors,
                                           Variation& variation);

}  // namespace strata::compiler
