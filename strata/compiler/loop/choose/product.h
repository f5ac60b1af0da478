// Sizes for a contraction whose operands are packed: whether rows and columns change places, the register tile, panels
// and tasks, from the instruction set and what is known of the extents.
#pragma once

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Columns of a panel of a matrix that is packed once for all its products (packing.h): those of most register tiles.
int64_t panel_width(ir::DType accumulator, const machine::VectorUnit& vectors, int64_t columns);

ContractionSchedule choose_product(Contraction contraction, ir::loops::LoopContext& context, const ir::Facts& facts,
                                   const machine::VectorUnit& vectors, Variation& variation);

}  // namespace strata::compiler
