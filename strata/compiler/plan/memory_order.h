// An order of commands that holds less memory at once, out of one that is right: what only frees memory runs as early
// as it can (the update of a parameter just behind its gradient), what only takes memory as late as it can (a factor of
// the derivative that the forward pass could compute). All else stays in its place. Time is that of the edges.
#pragma once

#include <span>
#include <vector>

#include "strata/compiler/plan/command_memory.h"
#include "strata/compiler/plan/command_order.h"

namespace strata::compiler {

/// Reorders all commands of a program, of which each comes after those that it needs and after those that read what it
/// writes over; both stay true. What can fail keeps its order, and those that `waits` names stay behind the last of it.
void lower_memory(std::span<const ir::Node*> order, const OrderRequest& request, const std::vector<bool>& waits,
                  const CommandMemory& memory);

}  // namespace strata::compiler
