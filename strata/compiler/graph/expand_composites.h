// Offers each composite to the back end: what it claims stays a node, which it compiles itself; every other one becomes
// its body, and those within are offered in turn. Why one was expanded is a remark.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> expand_composites(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
