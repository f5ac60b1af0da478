// Kernels of elements that go through the same arrays become one, so that what they share goes through memory once: two
// results that are made of one value, and above all the update of a parameter, whose moments and new value are made of
// one gradient. `fuse` goes from a value to its readers, and siblings read none of each other.
//
//   m' = f(m, g)                        m', v', p' = one kernel (m, v, p, g)
//   v', p' = h(v, p, g, m')      ->     7 arrays moved instead of 9, one command instead of two
//
// The first of two is computed where the second stands, so it may have no other readers, and nothing that only it reads
// may have to live for longer: parameters, numbers, and what the second reads as well.
#pragma once

#include <memory>

#include "strata/compiler/pipeline.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> fuse_siblings(const ir::Graph& graph, const PassContext& context);

}  // namespace strata::compiler
