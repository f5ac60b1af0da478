#include "strata/compiler/graph/inline_calls.h"

#include <algorithm>

#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

GraphRef region_without_calls(const GraphRef& region);

/// Composites stay: their names are wanted.
bool is_inlined(const Node& node) { return node.op->is_call && !ops::is_composite(node); }

void append(const Graph& graph, Graph& to, GraphCopier& copier, const std::vector<bool>& live) {
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter() || !live[node->id]) continue;
    const ir::LocationScope scope(to, node->where.file ? node->where : to.location());
    if (is_inlined(*node)) {
      const std::unique_ptr<Graph> renamed = ir::with_fresh_counts(node->region(0), to);
      const Graph& body = renamed ? *renamed : node->region(0);
      GraphCopier inner(body, to);
      for (size_t i = 0; i < body.parameters().size(); ++i) inner.set(body.parameter(i), copier.get(node->operand(i)));
      append(body, to, inner, live_nodes(body));
      for (uint32_t i = 0; i < node->result_count; ++i) copier.set(node->result(i), inner.get(body.results()[i]));
      continue;
    }
    std::vector<GraphRef> regions;
    for (const GraphRef& region : node->regions()) regions.push_back(region_without_calls(region));
    copier.copy(*node, regions);
  }
}

bool has_calls(const Graph& graph) {
  return graph.has_calls() && std::ranges::any_of(graph.nodes(), [](const Node* n) {
           return !n->is_parameter() &&
                  (is_inlined(*n) ||
                   std::ranges::any_of(n->regions(), [](const GraphRef& region) { return has_calls(*region); }));
         });
}

/// The region itself where there is none: regions are compiled one inside the other, and a copy of all that is below at
/// each level would be memory in the square of the depth.
GraphRef region_without_calls(const GraphRef& region) { return has_calls(*region) ? inline_calls(*region) : region; }

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
