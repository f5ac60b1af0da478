// One spelling for each thing: movements that move nothing go, two of a kind become one, constants stand on the right,
// and marks that only transforms read are taken off.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> canonicalise(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
