// Runs several iterations of an independent loop at once: the loop variable becomes a ramp of lanes, locals become
// vectors, loads and stores become as wide. Loops inside whose bounds are the same for all lanes stay loops; a branch
// that lanes take differently becomes selects and masked stores.
#pragma once

#include <optional>
#include <vector>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

/// The body for the lanes first .. first + lanes - 1 of `var`, with loops and locals of its own. Empty if it can't be:
/// a bound that differs between lanes, or a branch that does and reads memory or has loops, memory of its own, a check,
/// a store that all lanes share.
std::optional<std::vector<ir::loops::StmtPtr>> vector_body(ir::loops::LoopContext& context,
                                                           std::span<const ir::loops::StmtPtr> body,
                                                           const ir::loops::LoopVar* var, ir::loops::Expr first,
                                                           int lanes);

/// The widths of stages that leave few elements over: `lanes`, half of it and so on down to 4, and 1.
std::vector<int> halved_widths(int lanes);

/// for var in low..high around `body`, low <= high, in stages: `widths` lanes at a time, widest first, then what is
/// left of it by the next width. The last width should be 1. A body that has no vector form runs one by one. No stage
/// is written that has nothing left: `multiple` divides high - low.
std::vector<ir::loops::StmtPtr> loop_in_stages(ir::loops::LoopContext& context, const ir::loops::LoopVar* var,
                                               ir::loops::Expr low, ir::loops::Expr high, std::span<const int> widths,
                                               const std::vector<ir::loops::StmtPtr>& body, int64_t multiple = 1);

}  // namespace strata::compiler
