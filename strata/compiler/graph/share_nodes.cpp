#include "strata/compiler/graph/share_nodes.h"

#include <unordered_map>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;

std::unique_ptr<Graph> share_nodes(const Graph& graph) {
  std::unordered_map<base::Hash128, const Node*, base::Hash128Hasher> first;
  return rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph&) {
    if (node.op->effect != ir::Effect::None) return false;
    // The 128-bit hash covers op, operands, attributes, regions and types, so equal hashes are equal nodes.
    auto [it, is_new] = first.emplace(node.hash, &node);
    if (is_new) return false;
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), copier.get(it->second->result(i)));
    return true;
  });
}

}  // namespace strata::compiler
