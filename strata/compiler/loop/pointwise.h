// Schedules of nests without a contraction: elementwise kernels, and reductions of either order.
//
//   elements    let values, then stores; the loop with the most contiguous accesses innermost, by vectors, in tasks
//   chains      the same, with the chain's loops inside: several vectors of results side by side
//   lanes       a reduction's 32 lanes become vectors; rows are cut into tasks
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/nest.h"
#include "strata/compiler/loop/variation.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// The statements of the scheduled nest. `notes` gets lines for `strata explain`.
std::vector<ir::loops::StmtPtr> schedule_pointwise(Nest nest, ir::loops::LoopContext& context, const ir::Facts& facts,
                                                   runtime::IsaLevel level, Variation& variation,
                                                   std::vector<std::string>& notes);

/// for `var` in low..high around `body` by vectors of `lanes` where the body has a vector form, invariant parts in
/// front. The way in which every schedule runs an innermost loop over elements.
std::vector<ir::loops::StmtPtr> vector_loop(ir::loops::LoopContext& context, const ir::loops::LoopVar* var,
                                            ir::loops::Expr low, ir::loops::Expr high, std::span<const int> widths,
                                            const std::vector<ir::loops::StmtPtr>& body);

}  // namespace strata::compiler
