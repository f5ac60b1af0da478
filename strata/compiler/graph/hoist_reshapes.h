// Moves a reshape of a pointwise chain to what the chain reads.
//
// A reshape is the same memory under another shape, so its operand has to be in memory: it ends a fusion. In front of a
// parameter or of the result of a contraction that costs nothing; between two pointwise nodes it would split their
// kernel.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> hoist_reshapes(const ir::Graph& graph);

}  // namespace strata::compiler
