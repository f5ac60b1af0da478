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

/// The same where the loop writes a line from its start to its end and what lies behind `high` may be spoilt, for at
/// least `lanes` elements: whole vectors only, no tails. `body` is one Store whose value is an element of memory, cast
/// or not, or a select of one and a constant. Other bodies get a peeled_loop.
std::vector<ir::loops::StmtPtr> spilling_loop(ir::loops::LoopContext& context, const ir::Facts& facts,
                                              const ir::loops::LoopVar* var, ir::loops::Expr low, ir::loops::Expr high,
                                              int lanes, std::span<const int> widths,
                                              const std::vector<ir::loops::StmtPtr>& body);

}  // namespace strata::compiler
