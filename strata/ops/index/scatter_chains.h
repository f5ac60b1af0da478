// Sums and products of a scatter's updates by destination, apart from the destinations: work and memory that is looked
// at go with the updates.
//
// A destination that is met for the first time gets the next slot. Which slot it has is kept by destination in memory
// that nobody clears: an entry counts if the slot that it names is in use and names the destination back.
//
//   slot_of[destination]  --> slot               undefined at first
//   row_of[slot]          --> destination
//   sums[slot][others...]                        the chain that is under way, from 0 or 1
//
// Chains are of at most 32 updates and joined by a binary tree (ir/loops/joined_loops.h). Where there can be more, one
// that is full is put on its slot's stack, whose entries lie in one pool for all (few destinations get so many), and
// the next begins. At the end each stack is joined, and the destination takes the result in.
//
//   count[slot]                                  updates of the chain, 0..32; 32 more if the slot has a stack
//   blocks[slot]                                 that were put on the stack
//   top[slot]             --> entry              of the level that waits lowest; -1: none left
//   below[entry]          --> entry
//   pool[entry][others...]                       at most one entry for each 32 updates
#pragma once

#include "strata/ops/index/scatter_part.h"

namespace strata::ops {

/// The task's statements.
StmtList scatter_chains(const ScatterPart& part);

}  // namespace strata::ops
