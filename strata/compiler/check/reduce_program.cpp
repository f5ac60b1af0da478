#include "strata/compiler/check/reduce_program.h"

#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// The program without what `results` don't need (effects too), and without parameters that nothing reads. Nodes in
/// `cut` become parameters.
GraphRef only(const Graph& graph, std::span<const Value> results, const std::vector<bool>& cut) {
  std::vector<bool> live(graph.nodes().size());
  for (const Value& v : results) live[v.node->id] = true;
  for (size_t i = graph.nodes().size(); i-- > 0;)
    if (live[i] && !cut[i])
      for (const Value& v : graph.nodes()[i]->operands()) live[v.node->id] = true;
  auto copy = std::make_shared<Graph>(graph.name());
  for (const ir::SymbolFact& fact : graph.facts().all()) copy->facts().add(fact);
  GraphCopier copier(graph, *copy);
  int next = 0;
  for (const Node* node : graph.nodes()) {
    if (!live[node->id]) continue;
    if (!node->is_parameter() && !cut[node->id]) {
      copier.copy(*node);
      continue;
    }
    for (uint32_t i = 0; i < node->result_count; ++i)
      copier.set(node->result(i), copy->add_parameter(node->type(i), "p" + std::to_string(next++)));
  }
  copy->set_results(copier.get(results));
  return copy;
}

class Reducer {
 public:
  Reducer(GraphRef graph, const std::function<bool(const Graph&)>& fails) : graph_(std::move(graph)), fails_(fails) {}

  GraphRef run() {
    bool changed = true;
    while (changed) changed = fewer_results() || inner_results() || cut_nodes();
    return graph_;
  }

 private:
  bool accept(std::span<const Value> results, const std::vector<bool>& cut) {
    GraphRef candidate = only(*graph_, results, cut);
    bool fails = false;
    try {
      fails = fails_(*candidate);
    } catch (const base::Error&) {
    }
    if (!fails) return false;
    graph_ = std::move(candidate);
    return true;
  }
  std::vector<bool> nothing_cut() const { return std::vector<bool>(graph_->nodes().size()); }

  bool fewer_results() {
    if (graph_->results().size() < 2) return false;
    for (const Value& v : graph_->results())
      if (accept(std::vector<Value>{v}, nothing_cut())) return true;
    return false;
  }
  /// The earliest node that fails as the only result.
  bool inner_results() {
    for (const Node* node : graph_->nodes()) {
      if (node->is_parameter() || node->result_count == 0) continue;
      if (graph_->results().size() == 1 && graph_->results()[0].node == node) return false;
      if (accept(std::vector<Value>{node->result()}, nothing_cut())) return true;
    }
    return false;
  }
  bool cut_nodes() {
    for (const Node* node : graph_->nodes()) {
      if (node->is_parameter() || graph_->results().empty() || graph_->results()[0].node == node) continue;
      std::vector<bool> cut = nothing_cut();
      cut[node->id] = true;
      if (accept(std::vector<Value>(graph_->results().begin(), graph_->results().end()), cut)) return true;
    }
    return false;
  }

  GraphRef graph_;
  const std::function<bool(const Graph&)>& fails_;
};

}  // namespace

GraphRef reduce_program(GraphRef graph, const std::function<bool(const Graph&)>& fails) {
  return Reducer(std::move(graph), fails).run();
}

}  // namespace strata::compiler
