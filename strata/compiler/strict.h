// Strict mode: a kernel that should have got a schedule, and did not, is an error instead of slow code.
#pragma once

#include <string>

#include "strata/compiler/loop/schedule.h"
#include "strata/ir/loops/kernel.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// Throws E0315 with the reason when the schedule leaves this kernel as written. `where`: what was recorded there.
void require_schedule(const ir::loops::Kernel& naive, runtime::IsaLevel level, const ScheduleOptions& options,
                      const std::string& where);

}  // namespace strata::compiler
