// Which kind of schedule a nest gets, and its numbers.
#pragma once

#include <optional>

#include "strata/compiler/loop/choose/variation.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Empty where nothing of the nest has a vector form.
std::optional<Schedule> choose_schedule(const Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts,
                                        const machine::VectorUnit& vectors, Variation variation);

}  // namespace strata::compiler
