// What a lazy recording gave when it was run, as the programs for it see it: ops apart from the numbers and the sizes
// that they were recorded with.
#pragma once

#include <memory>
#include <vector>

#include "strata/compiler/graph/numbers/written_sizes.h"
#include "strata/ir/graph/graph.h"

namespace strata::lazy {

struct Segment {
  std::shared_ptr<const ir::Graph> graph;      ///< places of blocks are numbers (starts_as_numbers.h)
  std::vector<const ir::Node*> numbers;        ///< that may be arguments (free_numbers.h)
  std::vector<base::Hash128> values;           ///< of the numbers
  std::vector<compiler::WrittenSize> written;  ///< in the graph
  std::vector<int64_t> sizes;                  ///< their values; 0 of those that are none
  base::Hash128 family;                        ///< of segments that are equal but for numbers and sizes
};
Segment segment_of(const std::shared_ptr<const ir::Graph>& graph);

/// "dimension 0 of operand 1": of a size that is an extent.
std::string place_of_extent(const Segment& segment, size_t size);

/// Of this very program: structure, numbers, sizes, positions and target. The structural hash leaves positions out, but
/// what is compiled reports them: the same ops on another line are another program. (They share their kernels.)
base::Hash128 exact_key(const ir::Graph& graph);

/// The first and the last position that a user wrote: "train.cpp:12 .. train.cpp:20 block.3".
std::string lines_of(const ir::Graph& graph);

}  // namespace strata::lazy
