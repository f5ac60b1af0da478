// Makes one composite of the nodes that a back end has one kernel for. It finds them itself
// (Target::pattern_ending_at): attention without its name, a product with what follows it.
//
// Asked is each node that no later pattern took, the last first. The nodes of a pattern become the body of a composite
// of the pattern's name, so all that knows composites runs, prints and checks it; the back end makes its kernel.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// Throws E0310 when a pattern is none: it doesn't end with the node that was asked about, or names others than live
/// nodes of the graph without regions and effects, or a composite that the back end then refuses. One whose inner
/// values are used before its last node is left alone, with a remark.
std::unique_ptr<ir::Graph> claim_patterns(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
