// Makes one scan of several that go over the same operands with the same state: a derivative runs the steps of a loop
// again for what its backward part needs of them, and most of a step is then computed twice.
//
//   scan %w, %h, %x { %h1 = step(...); return %h1 }             scan %w, %h, %x { %h1 = step(...); %r = part of it
//   scan %w, %h, %x { %h1 = step(...); %r = ... }          ->                      return %h1, %r }
//
// They are joined where the passes make one node of their next states: then the states are the same in each step.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> join_scans(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
