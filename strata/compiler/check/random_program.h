// Random tensor programs over an op table, for comparing compiled with interpreted.
//
// Nodes are made from the samples of the blocks, so a new op takes part by having samples: each operand of a sample is
// some value that the program has already, brought to the sample's type by casts, slices, padding and reshapes;
// pointwise ops are mostly applied to values as they are, which makes chains that fuse.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "strata/ir/graph.h"
#include "strata/ir/host_array.h"
#include "strata/ir/op.h"

namespace strata::compiler {

struct RandomProgram {
  std::shared_ptr<ir::Graph> graph;
  std::vector<ir::HostArray> arguments;
};

/// The same for the same seed and table, in every process. About `nodes` nodes, not counting those that adapt types.
RandomProgram make_random_program(uint64_t seed, std::span<const ir::Op* const> ops, int nodes = 8);

/// How far each element of the results may be off: the largest change seen when every node's results are shaken by what
/// its op's tolerance allows, a few times over, with some room. Zero for integers that no shaking reaches.
std::vector<std::vector<double>> error_bounds(const ir::Graph& graph, std::span<const ir::HostArray> arguments,
                                              uint64_t seed);

}  // namespace strata::compiler
