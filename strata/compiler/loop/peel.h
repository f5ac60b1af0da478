// Takes the conditions of padding out of a loop: where every comparison with the loop variable holds, a middle loop
// runs without them, and so by vectors; what is left at both ends runs as written.
//
//   for u in low..high { p[u] = select(0 <= u + 3 and u + 3 < W, x[clamp(u + 3)], 0) }
//   ->  for u in low..a { as written }   for u in a..b { p[u] = x[u + 3] }   for u in b..high { as written }
#pragma once

#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// `body` is one Store, or several. The loops use new variables.
std::vector<ir::loops::StmtPtr> peeled_loop(ir::loops::LoopContext& context, const ir::Facts& facts,
                                            const ir::loops::LoopVar* var, ir::loops::Expr low, ir::loops::Expr high,
                                            std::span<const int> widths, const std::vector<ir::loops::StmtPtr>& body);

}  // namespace strata::compiler
