// Brings the matrices of products into panels where they are constants of the target: a kernel that would pack its
// columns in each run reads them in place, and what packs them depends on constants alone, so that it is taken out.
//
//   %y = fusion %x, %w { dot }   ->   %p = fusion %w { pad, reshape, transpose }          f32[panels, depth, width]
//                                     %y = fusion %x, %p { transpose, reshape, slice; dot }
//
// Movements alone: the graph means what it meant, and a kernel that packs nothing takes the way back into its indices
// (loop/packing.h). Panels are as wide as the target's register tiles; they don't depend on the kernel, so that all
// products of one weight share them.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> pack_weights(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
