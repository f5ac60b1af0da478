// How far a compiled program may be off the interpreted one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

/// How far each element of the results may be off: the largest change seen when every node's results are shaken by what
/// its op's tolerance allows, a few times over, with some room. Zero for integers that no shaking reaches.
std::vector<std::vector<double>> error_bounds(const ir::Graph& graph, std::span<const ir::HostArray> arguments,
                                              uint64_t seed);

}  // namespace strata::compiler
