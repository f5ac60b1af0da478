// Joins neighbouring axes in front of others that a reduction folds into one, where its operand is in memory anyway.
// Trailing axes need no pass: loops count through them as one.
//
// The order of a reduction is defined on the flattened reduced index, so the bits stay; the loops get one counter
// instead of divisions. Where the operand would be computed inside the reduction's kernel it is left alone: a reshape
// would split them.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> collapse_reductions(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
