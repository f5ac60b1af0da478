// Moves transposes towards the graph's inputs until they meet a contraction that absorbs them or an inverse that
// cancels them. Never adds bytes moved.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> hoist_transposes(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
