// Takes a short last axis apart where what runs along it is never in memory: each of its components becomes a value of
// its own, so that loops have lanes along a long axis and share what does not depend on the component.
//
//   d[i, j, k] = x[i, k] - y[j, k]            distances of points of 3 coordinates, all with all
//   sum over k of d * d                       ->  the sum of d0 * d0, d1 * d1 and d2 * d2
//   sum over j of w[i, j] * d[i, j, k]        ->  sums over j of w * d0, of w * d1, of w * d2, stacked
//
// Only of what is made by repeating smaller arrays along other axes: their components are copied out, which costs what
// they have and not what is made of them. The order of every sum stays, and so do its bits.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> split_short_axes(const ir::Graph& graph, const PassContext& context = {});

}  // namespace strata::compiler
