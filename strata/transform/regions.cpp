#include "strata/transform/regions.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/transform/tangents.h"
#include "strata/transform/transposition.h"

namespace strata::transform {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

ir::GraphRef jvp_region(const Graph& original, std::span<const bool> has_tangent,
                        std::vector<bool>& result_has_tangent) {
  const ir::GraphRef expanded = ops::expand_composites(original);
  const Graph& region = *expanded;
  auto result = std::make_shared<Graph>(region.name() + ".jvp");
  ir::GraphCopier copier(region, *result);
  copier.copy_parameters();
  Tangents tangents(*result);
  for (size_t i = 0; i < has_tangent.size(); ++i)
    if (has_tangent[i]) {
      const Value primal = result->parameter(i);
      tangents.set(primal, result->add_parameter(primal.type(), "d_" + std::string(region.parameter_name(i))));
    }
  for (const ir::Node* node : region.nodes())
    // Prints and checks belong to the primal program, which runs beside this one; what is counted, shapes here need.
    if (!node->is_parameter() && (node->op->effect == ir::Effect::None || node->op->counts))
      tangents.push_through(*copier.copy(*node));
  std::vector<Value> results = copier.get(region.results());
  result_has_tangent.assign(results.size(), false);
  for (size_t i = 0, n = results.size(); i < n; ++i)
    if (const Value t = tangents.find(results[i])) {
      result_has_tangent[i] = true;
      results.push_back(t);
    }
  result->set_results(results);
  return result;
}

namespace {

std::vector<Value> parameters_where(const Graph& graph, std::span<const bool> mask, bool wanted) {
  std::vector<Value> list;
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i] == wanted) list.push_back(graph.parameter(i));
  return list;
}

void add_parameters_like(const Graph& from, std::span<const Value> values, GraphCopier& copier, Graph& to) {
  for (const ir::SymbolFact& fact : from.facts().all()) to.facts().add(fact);
  for (const Value& v : values) copier.set(v, to.add_parameter(v.type()));
}

/// A region with its backward nodes appended, still one graph.
struct Backward {
  Graph graph;
  std::vector<Value> linear, known;         ///< parameters
  std::vector<Value> known_results, seeds;  ///< seeds: parameters for the cotangents of the marked results
  std::vector<Value> cotangents;            ///< of `linear`
  std::vector<bool> result_is_linear;
  std::vector<bool> depends;  ///< by node id: on a linear parameter or a seed
  size_t first_of_rules = 0;  ///< nodes from here on were made by the transposition

  Backward(const Graph& original, std::span<const bool> is_linear, std::span<const bool> has_cotangent)
      : graph(original.name()) {
    const ir::GraphRef expanded = ops::expand_composites(original);
    const Graph& region = *expanded;
    GraphCopier copier(region, graph);
    copier.copy_parameters();
    copier.copy_rest();
    linear = parameters_where(graph, is_linear, true);
    known = parameters_where(graph, is_linear, false);
    const std::vector<Value> results = copier.get(region.results());
    Transposition transposition(graph, linear);
    std::vector<Value> sources = linear;
    for (size_t i = 0; i < results.size(); ++i) {
      result_is_linear.push_back(transposition.is_linear(results[i]));
      if (!result_is_linear.back()) known_results.push_back(results[i]);
      if (!has_cotangent[i]) continue;
      seeds.push_back(graph.add_parameter(results[i].type()));
      transposition.add(results[i], seeds.back());
    }
    first_of_rules = graph.nodes().size();
    transposition.run();
    sources.insert(sources.end(), seeds.begin(), seeds.end());
    depends = dependent_nodes(graph, sources);
    for (const Value& v : linear) {
      const Value c = transposition.find(v);
      cotangents.push_back(c ? c : ops::zeros_like(v));
    }
    depends.resize(graph.nodes().size());
  }

  /// By node id: known, but computed by the backward nodes again, behind a barrier that a checkpoint has put.
  std::vector<bool> computed_again() const {
    std::vector<bool> again(graph.nodes().size());
    for (size_t i = first_of_rules; i < graph.nodes().size(); ++i) {
      const Node& node = *graph.nodes()[i];
      again[i] = node.op == &ops::kBarrier ||
                 std::ranges::any_of(node.operands(), [&](const Value& v) { return again[v.node->id]; });
    }
    return again;
  }

  /// Known values that the backward nodes read, constants aside (they are cheaper to make again than to keep).
  std::vector<Value> residuals() const {
    const std::vector<bool> again = computed_again();
    std::vector<bool> needed(graph.nodes().size()), varies(graph.nodes().size());
    for (const Value& v : known) varies[v.node->id] = true;
    for (const Node* node : graph.nodes())
      for (const Value& v : node->operands()) varies[node->id] = varies[node->id] || varies[v.node->id];
    std::vector<Value> list;
    std::set<std::pair<uint32_t, uint32_t>> listed;
    auto need = [&](Value v) {
      if (depends[v.node->id] || again[v.node->id] || !varies[v.node->id])
        needed[v.node->id] = true;
      else if (listed.emplace(v.node->id, v.index).second)
        list.push_back(v);
    };
    for (const Value& v : cotangents) need(v);
    for (const Node* effect : effects_of_rules()) needed[effect->id] = true;
    for (size_t i = needed.size(); i-- > 0;)
      if (needed[i])
        for (const Value& v : graph.nodes()[i]->operands()) need(v);
    return list;
  }

  /// Prints and checks of functions that a user gave for a derivative: those of a forward function stand in the region,
  /// those of a backward function came with the transposition.
  std::vector<const Node*> effects_of_region() const { return effects_between(graph, 0, first_of_rules, linear); }
  std::vector<const Node*> effects_of_rules() const {
    return effects_between(graph, first_of_rules, graph.nodes().size(), linear);
  }

  /// The graph (inputs) -> (outputs), of the nodes that lie between.
  ir::GraphRef extract(const char* suffix, std::span<const Value> inputs, std::span<const Value> outputs,
                       std::span<const Node* const> effects) const {
    auto result = std::make_shared<Graph>(graph.name() + suffix);
    GraphCopier copier(graph, *result);
    add_parameters_like(graph, inputs, copier, *result);
    copy_needed(graph, copier, outputs, effects);
    result->set_results(copier.get(outputs));
    return result;
  }
};

std::vector<Value> joined(std::vector<Value> a, const std::vector<Value>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

ir::GraphRef transpose_region(const Graph& region, std::span<const bool> is_linear,
                              std::span<const bool> has_cotangent) {
  const Backward backward(region, is_linear, has_cotangent);
  std::vector<const Node*> effects = backward.effects_of_region();
  const std::vector<const Node*> of_rules = backward.effects_of_rules();
  effects.insert(effects.end(), of_rules.begin(), of_rules.end());
  return backward.extract(".transposed", joined(backward.known, backward.seeds), backward.cotangents, effects);
}

ir::SplitRegion split_region(const Graph& region, std::span<const bool> is_linear,
                             std::span<const bool> has_cotangent) {
  const Backward backward(region, is_linear, has_cotangent);
  const std::vector<Value> residuals = backward.residuals();
  ir::SplitRegion split;
  split.known = backward.extract(".known", backward.known, joined(backward.known_results, residuals),
                                 backward.effects_of_region());
  split.transposed = backward.extract(".transposed", joined(residuals, backward.seeds), backward.cotangents,
                                      backward.effects_of_rules());
  split.result_is_linear = backward.result_is_linear;
  std::map<uint32_t, int> positions;  // of the known parameters
  for (const Value& v : backward.known) positions.emplace(v.node->id, positions.size());
  for (const Value& r : residuals) {
    const auto at = positions.find(r.node->id);
    split.residual_parameter.push_back(at == positions.end() ? -1 : at->second);
  }
  return split;
}

}  // namespace strata::transform
