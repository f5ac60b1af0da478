// Makes one kernel of a scan whose steps treat every lane alone (lower/lane_loop.h): attention, its gradients, and what
// is written like them. The kernel takes in what only moves data in front of the scan, and what is made of the last
// state behind it:
//
//   %k = transpose %x                          fusion {
//   %m, %l, %o = scan %k, ...           ->       %k = transpose %x; %m, %l, %o = scan %k, ...
//   %y = transpose (div %o, %l)                  %y = transpose (div %o, %l)
//                                              }
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> lane_loops(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
