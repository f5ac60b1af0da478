// The loops of scatter: result 0 begins as the operand, and the touched elements are written.
//
//   parallel task over the shared axes, or over pieces of 64 columns of the last axis that no position names
//     for each update in order: its row is set, or joins what its destination has got so far
//
// Three ways to combine:
//
//   directly   the destination takes each update in: set, min, max, integers, and floats where `most` says that no
//              element gets more than 32. No tables.
//   in f32     the same for sums and products of half floats: the task's part stands in f32 meanwhile, and rounds once.
//   chains     sums and products of floats, of any number of updates (scatter_chains.h): what a destination gets is
//              added up apart from it, and it takes the sum in at the end. Work goes with the updates, whatever the
//              destinations are.
#pragma once

#include "strata/ops/index/index.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {

/// The attribute `combine`: "set", "add", "mul", "min" or "max".
std::string_view combine_name(Combine combine);
/// Nothing for another word.
std::optional<Combine> combine_from(std::string_view name);
Combine combine_of(const Node& scatter);
Fold fold_of(Combine combine);

StmtList scatter_loops(ir::Lowering& lowering);

}  // namespace strata::ops
