// The text form of plans: the drawing of plan.h with the program behind it, so that it parses back to a whole plan.
//
//   plan @step dims (B) {
//     entry B >= 1
//     b0 = argument 0 : f32[B,784] live [0, 0]
//     b1 = constant 0 : f32[2] live [0, 0] value f32[2] [1.0, 2.0]
//     b2 = arena : f32[B,128] live [0, 1]
//     b3 = arena in b2 : f32[B*128] live [-1, -1]     shares b2's memory
//     b4 = result 0 : f32[] live [1, 1]
//     0 kernel 0 @fusion.1f2a #5 (b0, b1) -> (b2)     #5: the node of the program that it computes
//     1 host #6 (b3) -> (b4) regions (0)
//     2 kernel 1 @scatter.77aa #7 (b3, b1) -> (b5) updates 0      b5 begins as b3: in its memory, or
//                                                                 updates 0 copied because "result 1 is its old value"
//     arguments (b0)
//     results (b4)
//     donate result 0 argument 0
//     plan @body ... { ... }                          regions
//     func @step(...) ... { ... }                     the program
//   }
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "strata/ir/graph/text/program_names.h"
#include "strata/ir/plan/plan.h"

namespace strata::ir {

std::string print_plan(const Plan& plan);

/// Errors: E0132 with line and column for the text, those of parse_graph for the program. What is parsed need not be
/// sound: verify.h. `names`: what the text can't say of names; null: all is called as in the text.
base::Result<std::shared_ptr<const Plan>> parse_plan(std::string_view text, const OpTable& ops,
                                                     const ProgramNames* names = nullptr);

}  // namespace strata::ir
