// Common subexpressions and dead code: of nodes with equal hashes the first stays; nodes that nothing needs go. A scan
// stacks a value of its steps once, and none that nothing reads: a derivative asks for the cotangent of a slice, which
// is often one side of a weight's product as well (ops/control/stacked_sums.h).
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> share_nodes(const ir::Graph& graph);

}  // namespace strata::compiler
