// Runs a plan with every kernel computed by the tensor interpreter on the plan's own memory: the oracle of executables.
// It finds what the tensor interpreter can't see: lifetimes, shared memory, copies, donations, the order of commands.
#pragma once

#include <vector>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/plan.h"

namespace strata::ir {

/// Arguments are not changed; donated ones are copied. Errors as of interpret().
std::vector<HostArray> interpret_plan(const Plan& plan, std::span<const HostArray> arguments,
                                      const InterpretOptions& options = {});

}  // namespace strata::ir
