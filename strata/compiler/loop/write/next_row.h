// Rows that are read in several stages: the first of them waits for memory, the others compute on what the cache has
// kept, and memory rests. So the last one asks for the next row, element by element:
//
//   for i in rows {
//     for j: m = max(m, x[i*W + j])                                       finds the row in the second cache
//     for j: prefetch x[(i + 1)*W + j]; s = s + exp(x[i*W + j] - m)
//   }
#pragma once

#include <span>
#include <vector>

#include "strata/compiler/loop/nest/nest.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

/// The stages of a row, as vectors, with such prefetches where they pay. `row`: the innermost loop over rows.
std::vector<ir::loops::StmtPtr> with_next_row_on_its_way(ir::loops::LoopContext& context, const ir::Facts& facts,
                                                         const ir::loops::LoopVar* row,
                                                         const std::vector<ir::loops::StmtPtr>& stages);

}  // namespace strata::compiler
