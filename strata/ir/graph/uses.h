// Who reads a value.
#pragma once

#include <vector>

#include "strata/ir/graph/graph.h"

namespace strata::ir {

/// A node that reads another one's value as an operand.
struct Use {
  const Node* user;
  int operand;
};

/// By node id, the uses of its values by live nodes (`live`: by node id), in the order of the program; a node that
/// reads it twice is there twice. Results of the graph are no uses.
std::vector<std::vector<Use>> uses_of(const Graph& graph, const std::vector<bool>& live);

}  // namespace strata::ir
