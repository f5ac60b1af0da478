// Cuts the innermost loop of a nest where conditions on it change, so that each piece knows how they come out: what
// pads, joins or cuts along that loop reads and writes whole vectors.
//
//   for j in 0..8 { y[j] = select(j < 3, a[min(j, 2)], b[max(0, j - 3)]) }
//   ->  for j in 0..3 { y[j] = a[j] }   for j in 3..8 { y[j] = b[j - 3] }
#pragma once

#include <span>
#include <vector>

#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/write/tasks.h"

namespace strata::compiler {

/// The last loop of the nest from row.low to row.high, by vectors of these widths: in one piece where nothing in the
/// body depends on a number that its variable is compared with.
std::vector<ir::loops::StmtPtr> loop_in_segments(ir::loops::LoopContext& context, const ir::Facts& facts,
                                                 const Nest& nest, TaskRange row, std::span<const int> widths);

}  // namespace strata::compiler
