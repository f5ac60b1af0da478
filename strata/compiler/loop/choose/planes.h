// Sizes for a contraction that reads an operand from a plane at shifted places, and whether its windows pay at all.
// Like those of other contractions (tiling.h) all are free but that a panel of depth holds whole blocks of the chain,
// or an even part of one.
#pragma once

#include <optional>

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// A ColumnWindowSchedule or a RowWindowSchedule; empty if the contraction has no windows that they pay for. Rows and
/// columns may change places.
std::optional<Schedule> choose_planes(const Contraction& contraction, ir::loops::LoopContext& context,
                                      const ir::Facts& facts, const machine::VectorUnit& vectors, Variation& variation);

}  // namespace strata::compiler
