// The passes that a loop's region needs before it is written as loops itself, instead of as kernels.
#pragma once

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// The region after all passes in front of `lane-loops`: without calls, composites and barriers.
ir::GraphRef ready_for_lowering(const ir::GraphRef& region, const PassContext& context);

}  // namespace strata::compiler
