// Arrays for the operands of a block's samples, the same in every process: tests, fuzzers and conformance runs feed
// each op with what its block asks for.
#pragma once

#include <cstdint>

#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"

namespace strata::ops {

/// An array for one sample operand. Symbolic dimensions take the value `dim` (3 if not given).
ir::HostArray sample_array(const ir::SampleOperand& operand, uint64_t seed, int64_t dim = 3);

/// Arrays for all operands of a sample.
std::vector<ir::HostArray> sample_arrays(const ir::Sample& sample, uint64_t seed, int64_t dim = 3);

/// A graph of one node: the op on parameters of the sample's types, its results the graph's results.
std::shared_ptr<ir::Graph> sample_graph(const ir::Op& op, const ir::Sample& sample);

}  // namespace strata::ops
