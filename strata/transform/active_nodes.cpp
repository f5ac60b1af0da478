#include "strata/transform/active_nodes.h"

#include <algorithm>

namespace strata::transform {

using ir::Node;
using ir::Value;

std::vector<bool> active_nodes(const ir::Graph& graph, std::span<const Value> from, std::span<const Value> to) {
  const size_t n = graph.nodes().size();
  std::vector<bool> depends(n), is_needed(n);
  std::vector<bool> holds_source(n);  // most nodes hold none: the list is searched for the results of those that do
  for (const Value& v : from) holds_source[v.node->id] = true;
  auto is_source = [&](const Value& v) {
    return holds_source[v.node->id] &&
           (v.node->result_count == 1 || std::find(from.begin(), from.end(), v) != from.end());
  };
  for (const Node* node : graph.nodes())
    for (const Value& v : node->operands())
      if (is_float(v.dtype()) && (depends[v.node->id] || is_source(v))) depends[node->id] = true;
  for (const Value& v : from) depends[v.node->id] = false;
  for (const Value& v : to) is_needed[v.node->id] = true;
  for (size_t i = n; i-- > 0;)
    if (is_needed[i] && depends[i])
      for (const Value& v : graph.nodes()[i]->operands()) is_needed[v.node->id] = true;
  for (size_t i = 0; i < n; ++i) is_needed[i] = is_needed[i] && depends[i];
  return is_needed;
}

}  // namespace strata::transform
