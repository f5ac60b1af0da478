// That this CPU runs a target's code, for who is about to run it: one error for all that force a target.
#pragma once

#include <string_view>

#include "strata/machine/cpu_target.h"

namespace strata::machine {

/// The target; E0401 with `origin` ("--isa") if the host can't run it.
CpuTarget require_runnable(const CpuTarget& target, std::string_view origin);

}  // namespace strata::machine
