// The simplest schedule there is: one node alone, as one kernel of serial loops in the settled order (design.md,
// section 4.1), run by the loop interpreter. Tests compare it with the node's reference rule; it is the oracle for
// schedules.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/ir/loops/kernel.h"

namespace strata::ops {

/// The node's lower rule as a kernel whose parameters are the operands and then the results. An Internal error (E0900)
/// for a node without a lower rule.
ir::loops::Kernel lower_alone(const ir::Node& node);

/// Lowers the node and runs it on arrays. A failed check is a User error with the code of the status (E0136).
std::vector<ir::HostArray> run_lowered(const ir::Node& node, std::span<const ir::HostArray> operands);

}  // namespace strata::ops
