// A scan as one kernel: every element of its state goes through all steps by itself, in registers.
//
//   parallel i in 0..B {                        the lanes: axes that carries and stacked results share, or none
//     var c = %start[i]
//     for t in 0..length {
//       let x = mul(c, %xs[t, i])               one local for each node of the region
//       %ys[t, i] = x
//       c = x
//     }
//     %last[i] = c
//   }
//
// That is the region's meaning where each of its values is the same function of the elements at one index (or of what
// lies in memory when the loop starts). The nest is one that schedules know: its lanes become vectors and tasks. A cond
// of scalars becomes an if, a scan within the region a loop within the loop.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Why the node (scan or cond) is no such loop; empty: it is. Regions as they are: composites, calls and fusions in
/// them are refused.
std::string pointwise_loop_refusal(const ir::Node& node);

/// The statements, when there is no refusal. Buffers by the node's operands and results.
std::vector<ir::loops::StmtPtr> pointwise_loop(const ir::Node& node, ir::loops::LoopContext& context,
                                               std::vector<const ir::loops::Buffer*> inputs,
                                               std::vector<const ir::loops::Buffer*> outputs);

}  // namespace strata::compiler
