// Sizes for windows whose vectors run along the batch, and whether they pay.
#pragma once

#include <optional>

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Empty where the contraction has no windows, its batch fills no vectors, or rows and columns do: a product of a
/// matrix. Rows and columns may change places.
std::optional<BatchLaneSchedule> choose_batch_lanes(const Contraction& contraction, ir::loops::LoopContext& context,
                                                    const ir::Facts& facts, const machine::VectorUnit& vectors,
                                                    Variation& variation);

}  // namespace strata::compiler
