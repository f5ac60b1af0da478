// The order of commands. A run succeeds or changes nothing, so what can fail comes first wherever dependences allow;
// else what frees memory comes early, and what takes it late (memory_order.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/plan/plan.h"

namespace strata::compiler {

/// Whether a run may end at this node: commands of the host (they allocate, print and run regions) and kernels with a
/// check in them. `is_kernel`: it is not a command of the host.
bool can_fail(const ir::Node& node, bool is_kernel);

/// What decides the order.
struct OrderRequest {
  const ir::Graph& graph;
  std::span<const ir::Node* const> nodes;  ///< in program order
  const std::vector<bool>& fails;          ///< by node id: can_fail()
  std::span<const ir::Donation> donations;
  const std::vector<int>& updated;  ///< by node id: the operand that the node updates in place; -1: none
  std::vector<std::vector<const ir::Node*>> counts = {};  ///< by node id: ir::counts_before()
};

/// The nodes with those put off that write donated memory (and those that need them) behind the last node that can
/// fail, if that does not need them itself. On each side of that, what writes over a value, an update or the writer of
/// donated memory, waits for what else reads the value, unless that waits for the writer. All else stays in program
/// order, but for what holds less memory in another place.
std::vector<const ir::Node*> order_commands(const OrderRequest& request);

}  // namespace strata::compiler
