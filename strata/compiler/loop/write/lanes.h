// The 32 lanes of a reduction as vectors.
//
// A reduction over several axes of which one is kept (a bias' gradient) reads its lanes at quotients of a flat index.
// Pieces of 16, 8 or 4 lanes that never straddle a row are one load each:
//
//   x[(rb*32 + l) floordiv 784 * 4704 + (rb*32 + l) mod 784]   784 = 16 * 49: two vectors of 16, one quotient each
#pragma once

#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Loops marked Vector inside a body as vector statements of at most `lanes` lanes.
std::vector<ir::loops::StmtPtr> unroll_lane_loops(ir::loops::LoopContext& context, const ir::Facts& facts,
                                                  const std::vector<ir::loops::StmtPtr>& body, int lanes);

}  // namespace strata::compiler
