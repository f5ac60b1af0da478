#include "strata/compiler/graph/invariants/prologue.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "strata/compiler/graph/invariants/invariants.h"
#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

bool is_alias(const Node& node) { return node.op != &ops::kFusion && form_of(node) == Form::Alias; }

/// The invariant values that the rest needs, in the program's order. A reshape costs nothing: the rest has its own.
std::vector<Value> values_for_rest(const Graph& graph, std::vector<bool>& is_invariant) {
  std::vector<Value> values;
  std::vector<std::vector<bool>> is_read(graph.nodes().size());
  const auto read = [&](Value v) {
    auto& results = is_read[v.node->id];
    results.resize(v.node->result_count);
    results[v.index] = true;
  };
  for (const Value& v : graph.results()) read(v);
  const std::vector<bool> live = ir::live_nodes(graph);
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = *graph.nodes()[i];
    if (node.is_parameter() || !live[i]) continue;
    const bool is_needed = std::ranges::find(is_read[i], true) != is_read[i].end();
    if (is_invariant[i] && is_needed && is_alias(node)) is_invariant[i] = false;
    if (!is_invariant[i]) {
      for (const Value& v : node.operands()) read(v);
      continue;
    }
    for (size_t r = 0; r < is_read[i].size(); ++r)
      if (is_read[i][r]) values.push_back(node.result(r));
  }
  std::ranges::reverse(values);
  return values;
}

/// The program that makes one value.
class ValueProgram {
 public:
  ValueProgram(const Graph& graph, Value value) : from_(graph), made_(std::make_shared<Graph>("prologue")) {
    made_->set_results({visit(value)});
  }
  PrologueValue take() { return {std::move(made_), std::move(parameters_)}; }

 private:
  Value visit(Value v) {
    if (const auto known = images_.find(v.node); known != images_.end()) return known->second->result(v.index);
    Node* image = nullptr;
    if (v.node->is_parameter()) {
      const auto all = from_.parameters();
      parameters_.push_back(std::ranges::find(all, v.node) - all.begin());
      image = made_->add_parameter(v.type(), from_.parameter_name(parameters_.back())).node;
    } else {
      std::vector<Value> operands;
      for (const Value& operand : v.node->operands()) operands.push_back(visit(operand));
      const ir::LocationScope scope(*made_, v.node->where);
      image = made_->add(*v.node->op, operands, v.node->attrs.all(), v.node->regions());
    }
    images_.emplace(v.node, image);
    return image->result(v.index);
  }

  const Graph& from_;
  std::shared_ptr<Graph> made_;
  std::vector<int> parameters_;
  std::map<const Node*, Node*> images_;
};

/// A graph with the parameters of `graph` and those of `types` among them. Gives the values of the new ones.
std::vector<Value> add_parameters(const Graph& graph, std::span<const ir::Type> types, size_t position,
                                  GraphCopier& copier, Graph& to) {
  std::vector<Value> added;
  const auto add = [&] {
    for (size_t i = 0; i < types.size(); ++i)
      added.push_back(to.add_parameter(types[i], fmt::format("prepared_{}", i)));
  };
  for (size_t p = 0; p < graph.parameters().size(); ++p) {
    if (p == position) add();
    const Value old = graph.parameter(p);
    copier.set(old, to.add_parameter(old.type(), graph.parameter_name(p)));
  }
  if (position >= graph.parameters().size()) add();
  return added;
}

std::shared_ptr<Graph> empty_like(const Graph& graph) {
  auto made = std::make_shared<Graph>(graph.name());
  for (const ir::SymbolFact& fact : graph.facts().all()) made->facts().add(fact);
  return made;
}

}  // namespace

Prologue split_prologue(const Graph& graph, std::span<const int> constants, size_t position) {
  Prologue made;
  std::vector<bool> is_invariant = invariant_nodes(graph, constants);
  const std::vector<Value> values = values_for_rest(graph, is_invariant);
  std::vector<ir::Type> types;
  for (const Value& v : values) {
    made.values.push_back(ValueProgram(graph, v).take());
    types.push_back(v.type());
  }
  const auto rest = empty_like(graph);
  GraphCopier copier(graph, *rest);
  const std::vector<Value> added = add_parameters(graph, types, position, copier, *rest);
  for (size_t i = 0; i < values.size(); ++i) copier.set(values[i], added[i]);
  const std::vector<bool> live = ir::live_nodes(graph);
  for (const Node* node : graph.nodes())
    if (!node->is_parameter() && live[node->id] && !is_invariant[node->id]) copier.copy(*node);
  copier.copy_results();
  made.rest = rest;
  return made;
}

GraphRef with_unused_parameters(const Graph& graph, std::span<const ir::Type> types, size_t position) {
  const auto made = empty_like(graph);
  GraphCopier copier(graph, *made);
  add_parameters(graph, types, position, copier, *made);
  copier.copy_rest();
  copier.copy_results();
  return made;
}

}  // namespace strata::compiler
