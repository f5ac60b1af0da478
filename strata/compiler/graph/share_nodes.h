// Common subexpressions and dead code: of nodes with equal hashes the first stays; nodes that nothing needs go.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> share_nodes(const ir::Graph& graph);

}  // namespace strata::compiler
