// Writes nests without a contraction: elementwise kernels, and reductions of either order.
//
//   elements    let values, then stores; the loop with the most contiguous accesses innermost, by vectors, in tasks
//   chains      the same, with the chain's loops inside: several vectors of results side by side
//   lanes       a reduction's 32 lanes become vectors; rows are cut into tasks
//   inner       branches and checks stay as they are, the independent loops among them become vectors
#pragma once

#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"

namespace strata::compiler {

/// The statements of the scheduled nest. E0317 when it can't be done to this nest.
std::vector<ir::loops::StmtPtr> write_elements(Nest nest, const ElementSchedule& schedule,
                                               ir::loops::LoopContext& context, const ir::Facts& facts);
/// The statements of a row as a task runs them: its 32 lanes, if it has them, and its loops by vectors. E0317 as above.
std::vector<ir::loops::StmtPtr> stages_of_row(const std::vector<ir::loops::StmtPtr>& row, int lanes,
                                              std::span<const int> inner, ir::loops::LoopContext& context,
                                              const ir::Facts& facts);
std::vector<ir::loops::StmtPtr> write_rows(Nest nest, const RowSchedule& schedule, ir::loops::LoopContext& context,
                                           const ir::Facts& facts);

}  // namespace strata::compiler
