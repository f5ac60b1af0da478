// Computes what only constants decide, with the tensor interpreter.
//
// Only ops whose results are exact by declaration, so that no bit depends on whether this pass ran; literals of at most
// 64 elements, so that no program grows by it. Pointwise ops over splats of any size are computed on one element.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> fold_constants(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
