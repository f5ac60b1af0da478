// For tests: random tensor programs over an op table, for comparing compiled with interpreted, a derivative with
// differences, a batch with single runs.
//
// Nodes are made from the samples of the blocks, so a new op takes part by having samples: each operand of a sample is
// some value that the program has already, brought to the sample's type by casts, slices, padding and reshapes;
// pointwise ops are mostly applied to values as they are, which makes chains that fuse. Bodies of cond, scan, call,
// checkpoint and composite are random as well.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"

namespace strata::ops {

struct RandomProgram {
  std::shared_ptr<ir::Graph> graph;
  std::vector<ir::HostArray> arguments;
};

enum class ProgramKind : uint8_t {
  Any,     ///< every dtype and op without an effect; a batch dimension is symbolic
  Smooth,  ///< f64 values of the order of 1 and ops that are smooth or linear: differences find the derivatives. Shapes
           ///< are static, and the first result is a scalar that depends on every value
};

/// The same for the same seed and table, in every process. About `nodes` nodes, not counting those that adapt types.
RandomProgram make_random_program(uint64_t seed, std::span<const ir::Op* const> ops, int nodes = 8,
                                  ProgramKind kind = ProgramKind::Any);

}  // namespace strata::ops
