// Takes barriers out once nothing is left that would merge across them: their results become their operands. What a
// barrier kept apart stays apart, since no later pass shares nodes, and the order of the commands is the order of the
// nodes.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> drop_barriers(const ir::Graph& graph);

}  // namespace strata::compiler
