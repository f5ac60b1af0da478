// Replaces calls by their bodies, innermost last, until none is left, in regions too. Composites stay.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> inline_calls(const ir::Graph& graph);

}  // namespace strata::compiler
