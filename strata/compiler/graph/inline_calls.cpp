#include "strata/compiler/graph/inline_calls.h"

#include "strata/ir/op.h"
#include "strata/ir/rewrite.h"
#include "strata/ops/composite.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// Composites stay: their names are wanted.
bool is_inlined(const Node& node) { return node.op->is_call && !ops::is_composite(node); }

void append(const Graph& graph, Graph& to, GraphCopier& copier, const std::vector<bool>& live) {
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter() || !live[node->id]) continue;
    const ir::LocationScope scope(to, node->where.file ? node->where : to.location());
    if (is_inlined(*node)) {
      const Graph& body = node->region(0);
      GraphCopier inner(body, to);
      for (size_t i = 0; i < body.parameters().size(); ++i)
        inner.set(body.parameter(static_cast<int>(i)), copier.get(node->operand(static_cast<int>(i))));
      append(body, to, inner, live_nodes(body));
      for (uint32_t i = 0; i < node->result_count; ++i)
        copier.set(node->result(static_cast<int>(i)), inner.get(body.results()[i]));
      continue;
    }
    std::vector<ir::GraphRef> regions;
    for (const ir::GraphRef& region : node->regions()) regions.push_back(inline_calls(*region));
    copier.copy(*node, regions);
  }
}

}  // namespace

std::unique_ptr<Graph> inline_calls(const Graph& graph) {
  auto result = std::make_unique<Graph>(graph.name());
  GraphCopier copier(graph, *result);
  copier.copy_parameters();
  append(graph, *result, copier, live_nodes(graph));
  copier.copy_results();
  return result;
}

}  // namespace strata::compiler
