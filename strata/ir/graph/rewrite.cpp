#include "strata/ir/graph/rewrite.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"

namespace strata::ir {

void GraphCopier::set(Value from, Value to) {
  auto& images = map_[from.node->id];
  if (images.size() < from.node->result_count) images.resize(from.node->result_count);
  images[from.index] = to;
}

Value GraphCopier::find(Value from) const {
  const auto& images = map_[from.node->id];
  return from.index < images.size() ? images[from.index] : Value{};
}

Value GraphCopier::get(Value from) const {
  const Value to = find(from);
  if (!to)
    throw base::Error(base::code::kBug, "rewrite: a value of " +
                                            std::string(from.node->op ? from.node->op->name : "a parameter") +
                                            " is used before it was mapped");
  return to;
}

std::vector<Value> GraphCopier::get(std::span<const Value> from) const {
  std::vector<Value> to;
  to.reserve(from.size());
  for (const Value& v : from) to.push_back(get(v));
  return to;
}

void GraphCopier::copy_parameters() {
  for (const SymbolFact& fact : from_.facts().all()) to_.facts().add(fact);
  for (size_t i = 0; i < from_.parameters().size(); ++i) {
    const LocationScope scope(to_, from_.parameters()[i]->where);
    set(from_.parameter(i), to_.add_parameter(from_.parameters()[i]->type(), from_.parameter_name(i)));
  }
}

Node* GraphCopier::copy(const Node& node) { return copy(node, node.regions()); }

Node* GraphCopier::copy(const Node& node, std::span<const GraphRef> regions) {
  const LocationScope scope(to_, node.where.file || node.where.path ? node.where : to_.location());
  Node* image = to_.add(*node.op, get(node.operands()), node.attrs.all(), regions);
  for (uint32_t i = 0; i < node.result_count; ++i) set(node.result(i), image->result(i));
  return image;
}

void GraphCopier::copy_rest() {
  for (const Node* node : from_.nodes())
    if (!node->is_parameter() && map_[node->id].empty()) copy(*node);
}

void GraphCopier::copy_results() { to_.set_results(get(from_.results())); }

namespace {

enum class Effects : uint8_t { AreNeeded, AreLeftOut };

std::vector<bool> nodes_needed_by(const Graph& graph, std::span<const Value> results, Effects effects) {
  std::vector<bool> live(graph.nodes().size());
  for (const Node* p : graph.parameters()) live[p->id] = true;
  for (const Value& v : results) live[v.node->id] = true;
  const auto counts = counts_before(graph);
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = *graph.nodes()[i];
    if (effects == Effects::AreNeeded && node.op && node.op->effect != Effect::None) live[i] = true;
    if (!live[i]) continue;
    if (!counts.empty())
      for (const Node* count : counts[i]) live[count->id] = true;
    for (const Value& v : node.operands()) live[v.node->id] = true;
  }
  return live;
}

}  // namespace

std::vector<bool> live_nodes(const Graph& graph) { return nodes_needed_by(graph, graph.results(), Effects::AreNeeded); }

std::vector<std::vector<uint32_t>> use_counts(const Graph& graph) {
  const std::vector<bool> live = live_nodes(graph);
  std::vector<std::vector<uint32_t>> counts(graph.nodes().size());
  for (const Node* node : graph.nodes()) counts[node->id].resize(node->result_count);
  for (const Node* node : graph.nodes())
    if (live[node->id])
      for (const Value& v : node->operands()) ++counts[v.node->id][v.index];
  for (const Value& v : graph.results()) ++counts[v.node->id][v.index];
  return counts;
}

std::unique_ptr<Graph> rewrite_graph(const Graph& graph,
                                     const std::function<bool(const Node&, GraphCopier&, Graph&)>& rewrite) {
  auto result = std::make_unique<Graph>(graph.name());
  GraphCopier copier(graph, *result);
  copier.copy_parameters();
  const std::vector<bool> live = live_nodes(graph);
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter() || !live[node->id]) continue;
    const LocationScope scope(*result, node->where);
    if (!rewrite(*node, copier, *result)) copier.copy(*node);
  }
  copier.copy_results();
  return result;
}

std::unique_ptr<Graph> copy_graph(const Graph& graph) {
  return rewrite_graph(graph, [](const Node&, GraphCopier&, Graph&) { return false; });
}

std::unique_ptr<Graph> copy_graph_with_results(const Graph& graph, std::span<const Value> results) {
  auto copy = std::make_unique<Graph>(graph.name());
  GraphCopier copier(graph, *copy);
  copier.copy_parameters();
  const std::vector<bool> live = nodes_needed_by(graph, results, Effects::AreLeftOut);
  for (const Node* node : graph.nodes())
    if (!node->is_parameter() && live[node->id]) copier.copy(*node);
  copy->set_results(copier.get(results));
  return copy;
}

std::vector<Value> inline_graph(const Graph& counting, Graph& to, std::span<const Value> arguments) {
  const std::unique_ptr<Graph> renamed = with_fresh_counts(counting, to);
  const Graph& body = renamed ? *renamed : counting;
  GraphCopier copier(body, to);
  for (size_t i = 0; i < arguments.size(); ++i) copier.set(body.parameter(i), arguments[i]);
  copier.copy_rest();
  return copier.get(body.results());
}

}  // namespace strata::ir
