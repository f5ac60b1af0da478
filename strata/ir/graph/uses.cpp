#include "strata/ir/graph/uses.h"

namespace strata::ir {

std::vector<std::vector<Use>> uses_of(const Graph& graph, const std::vector<bool>& live) {
  std::vector<std::vector<Use>> uses(graph.nodes().size());
  for (const Node* node : graph.nodes()) {
    if (!live[node->id] || node->is_parameter()) continue;
    for (int i = 0; i < std::ssize(node->operands()); ++i) uses[node->operand(i).node->id].push_back({node, i});
  }
  return uses;
}

}  // namespace strata::ir
