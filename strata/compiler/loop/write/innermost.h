// The way in which every schedule runs an innermost loop over elements.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// The body of a loop over `var` in two: what it loads and computes for all of its steps alike, in locals, and the
/// rest.
struct HoistedBody {
  std::vector<ir::loops::StmtPtr> outside, inside;
};
HoistedBody hoist_invariants(ir::loops::LoopContext& context, const ir::loops::LoopVar* var,
                             const std::vector<ir::loops::StmtPtr>& body);

/// for `var` in low..high around `body`, in stages of `widths` lanes (loop_in_stages() in vectorise.h, also for what
/// `multiple` is), with what does not change along `var` computed once in front.
std::vector<ir::loops::StmtPtr> innermost_loop(ir::loops::LoopContext& context, const ir::loops::LoopVar* var,
                                               ir::loops::Expr low, ir::loops::Expr high, std::span<const int> widths,
                                               const std::vector<ir::loops::StmtPtr>& body, int64_t multiple = 1);

/// for `var` in 0..count around `body`, written out by the widest of `widths` that still fit. A body that has no vector
/// form gets an innermost_loop().
std::vector<ir::loops::StmtPtr> unrolled_loop(ir::loops::LoopContext& context, const ir::loops::LoopVar* var,
                                              int64_t count, std::span<const int> widths,
                                              const std::vector<ir::loops::StmtPtr>& body);

}  // namespace strata::compiler
