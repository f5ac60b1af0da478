// Groups nodes into kernels. Each group of more than one node becomes a `fusion` node whose region holds the group;
// what stays outside is one kernel by itself, an alias, or a command.
//
// A group has at most one contraction or reduction, its hero, or several reductions of the same extents whose chains
// run side by side (chain_groups.cpp), or goes through the rows of an array (lower/rows.h). Element nodes are inlined
// into their consumers when that does not repeat costly work, and pointwise consumers of the hero with its shape become
// its epilogue; element nodes that share a shape and read each other at the same index become several results of one
// loop nest. What depends on constants of the target alone and is worth keeping (invariants.h) shares no kernel with
// the rest.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> fuse(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
