// Makes one kernel of a scan or a cond of scalars whose region treats every element alone (lower/pointwise_loop.h): a
// fusion with nothing but the loop in it. What a region needs of other passes is done here, before it is looked at. A
// while of such a region goes so many steps at once, each behind its condition, so that a run that is cancelled still
// ends:
//
//   while (condition) { scan 64 times { if (condition) body } }
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> native_loops(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
