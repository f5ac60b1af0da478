// The loops of scatter.
//
//   parallel task over the shared axes, or over pieces of 64 columns of the last axis that no position names
//     copy the operand's part
//     for each update in order: its row joins the destination's chain
//
// Sums and products of floats are joined in blocks of 32 updates of a destination (ir/loops/joined_loops.h). Where
// `most` says that none gets more, nothing is counted. Else a chain that is full is put on the destination's stack,
// whose entries lie in one pool for all (few destinations get so many), and the next begins. At the end each stack is
// joined.
//
//   count[destination]                updates of the chain, 0..32; 32 more if the destination has a stack
//   blocks[destination]               that were put on the stack
//   top[destination] --> entry        of the level that waits lowest; -1: none left
//   below[entry]     --> entry
//   pool[entry][others...]            at most one entry for each 32 updates
#pragma once

#include "strata/ops/fold.h"
#include "strata/ops/index.h"

namespace strata::ops {

/// The attribute `combine`: "set", "add", "mul", "min" or "max".
std::string_view combine_name(Combine combine);
/// Nothing for another word.
std::optional<Combine> combine_from(std::string_view name);
Combine combine_of(const Node& scatter);
Fold fold_of(Combine combine);

StmtList scatter_loops(ir::Lowering& lowering);

}  // namespace strata::ops
