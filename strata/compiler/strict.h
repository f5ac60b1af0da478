// Strict mode: a kernel that should have got a schedule, and did not, is an error instead of slow code.
#pragma once

#include <string>

#include "strata/compiler/backends/target.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Whether nobody can mean the kernel to stay as written. Ops that write their own loops do where nothing of them has a
/// vector form (sort), and a loop of scalars has no lanes to make vectors of.
bool should_have_schedule(const ir::Node& node, const ir::loops::Kernel& naive);

/// Throws E0315 with the reason when the schedule leaves this kernel as written. `where`: what was recorded there.
void require_schedule(const ir::loops::Kernel& naive, const Target& target, const ScheduleOptions& options,
                      const std::string& where);

}  // namespace strata::compiler
