// How the operands of a contraction lie in memory.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/contraction.h"

namespace strata::compiler {

/// Loads of an expression that are contiguous along a group's innermost loop, less those that are strided. What is the
/// same for all of the group `across` does not count: a number for each row or column is read once for all of a line.
int contiguity(ir::loops::LoopContext& context, const ir::Facts& facts, ir::loops::Expr e, const LoopGroup& group,
               const LoopGroup& across);

/// Elements between the rows of the row operand when whole tiles of them can be read where they lie: loads without
/// arithmetic, contiguous along the depth, whose rows are a constant way apart. Empty when they can't.
std::optional<int64_t> distance_of_ready_rows(const Contraction& contraction, ir::loops::LoopContext& context,
                                              const ir::Facts& facts);

}  // namespace strata::compiler
