// Computes again what is cheaper than its memory (residuals.h): the same op on the same operands, so the same bits.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> recompute_residuals(const ir::Graph& graph);

}  // namespace strata::compiler
