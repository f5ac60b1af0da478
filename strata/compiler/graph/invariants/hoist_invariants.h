// Takes out of the regions of scans and whiles what is the same in each step: what depends on the operands that the
// loop hands on unchanged. It is computed once before the loop, whose region gets it as another such operand.
//
//   scan %w, %h ... { %t = fusion(%w); %y = dot(%h, %t) }
//   ->   %t = fusion(%w); scan %w, %t, %h ... { %y = dot(%h, %t) }
//
// The passes run on a region before that, with those operands as constants: so a weight is brought into panels
// (pack_weights.h) once, not in each step.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> hoist_invariants(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
