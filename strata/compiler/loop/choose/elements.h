// Sizes for nests without a contraction: which loop the vectors run along, and how much of the nest is a task.
#pragma once

#include <optional>

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// An ElementSchedule, or a RowSchedule where the rows have lanes or no loop is worth being the vector axis. Empty
/// where nothing of the nest has a vector form.
std::optional<Schedule> choose_elements(const Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts,
                                        const machine::VectorUnit& vectors, Variation& variation);

}  // namespace strata::compiler
