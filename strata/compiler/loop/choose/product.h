// Sizes for a contraction whose operands are packed: whether rows and columns change places, the register tile, panels
// and tasks, from the instruction set and what is known of the extents.
#pragma once

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Columns of a panel of a matrix that is packed once for all its products (packing.h): those of most register tiles.
int64_t panel_width(ir::DType accumulator, const machine::VectorUnit& vectors, int64_t columns);

/// Steps of the depth that one instruction of the target takes; 1 where there is none for these operands, or where a
/// short depth would be half padding.
int best_group(const Contraction& contraction, ir::loops::LoopContext& context, const machine::VectorUnit& vectors);

ContractionSchedule choose_product(Contraction contraction, ir::loops::LoopContext& context, const ir::Facts& facts,
                                   const machine::VectorUnit& vectors, Variation& variation);

}  // namespace strata::compiler
