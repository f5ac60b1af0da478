// Algebra that gives the same bits: each rule states when it holds for NaN, infinities, zeros of both signs and
// overflow.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> simplify_algebra(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
