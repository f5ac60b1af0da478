#include "strata/compiler/graph/claim_patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/target.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/uses.h"
#include "strata/ops/composites/composite.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

class PatternFinder {
 public:
  PatternFinder(const Graph& graph, const PassContext& context)
      : graph_(graph), context_(context), live_(ir::live_nodes(graph)), taken_(graph.nodes().size()) {}

  /// By the last node of each.
  std::map<uint32_t, Pattern> find() {
    for (size_t i = graph_.nodes().size(); i-- > 0;) {
      const Node& root = *graph_.nodes()[i];
      if (!live_[i] || taken_[i] || root.is_parameter() || ops::is_composite(root)) continue;
      std::optional<Pattern> pattern = context_.target->pattern_ending_at(root);
      if (!pattern) continue;
      std::ranges::sort(pattern->nodes, {}, &Node::id);
      require(*pattern, root);
      if (!may_be_one(*pattern)) continue;
      for (const Node* node : pattern->nodes) taken_[node->id] = true;
      found_.emplace(root.id, std::move(*pattern));
    }
    return std::move(found_);
  }

 private:
  void require(const Pattern& pattern, const Node& root) const {
    std::string fault;
    if (pattern.nodes.empty() || pattern.nodes.back() != &root)
      fault = "doesn't end with the node that was asked about";
    for (const Node* node : pattern.nodes) {
      const bool is_of_graph = node->id < graph_.nodes().size() && graph_.nodes()[node->id] == node;
      if (!is_of_graph || node->is_parameter() || !live_[node->id])
        fault = "has a node that isn't computed here";
      else if (node->region_count > 0 || node->op->effect != ir::Effect::None)
        fault = fmt::format("has {}, which runs more than a kernel", node->op->name);
    }
    if (!fault.empty())
      throw base::Error(base::code::kRefusedKernel,
                        fmt::format("{}: its pattern {} {}", context_.target->name(), pattern.name, fault));
  }

  /// Nobody else took a part of it, and what it computes on the way is used by it, or after it.
  bool may_be_one(const Pattern& pattern) {
    if (uses_.empty()) uses_ = ir::uses_of(graph_, live_);
    std::set<uint32_t> inside;
    for (const Node* node : pattern.nodes) inside.insert(node->id);
    bool reads = false;
    for (const Node* node : pattern.nodes)
      for (const Value& v : node->operands()) reads |= !inside.contains(v.node->id);
    if (!reads) return leave(pattern, "it reads nothing: its value is known before the run");
    for (const Node* node : pattern.nodes) {
      if (taken_[node->id]) return leave(pattern, fmt::format("a later pattern has {}", node->op->name));
      for (const auto& [reader, operand] : uses_[node->id])
        if (!inside.contains(reader->id) && reader->id < pattern.nodes.back()->id)
          return leave(pattern, fmt::format("{} is read before its last node", node->op->name));
    }
    return true;
  }

  bool leave(const Pattern& pattern, const std::string& reason) const {
    const std::string where = pattern.nodes.back()->where.str();
    if (context_.remarks)
      context_.remarks->push_back(fmt::format("{}{}{}: not one kernel of {}: {}", pattern.name,
                                              where.empty() ? "" : " at ", where, context_.target->name(), reason));
    return false;
  }

  const Graph& graph_;
  const PassContext& context_;
  std::vector<bool> live_, taken_;
  std::vector<std::vector<ir::Use>> uses_;
  std::map<uint32_t, Pattern> found_;
};

/// What a pattern reads, in order of first use, and what of it is read by others.
struct Edges {
  std::vector<Value> in, out;
};

Edges edges_of(const Pattern& pattern, const Graph& graph, const std::vector<bool>& live) {
  Edges edges;
  const auto add = [](std::vector<Value>& list, Value v) {
    if (std::ranges::find(list, v) == list.end()) list.push_back(v);
  };
  const auto is_inside = [&](const Node* node) {
    return std::ranges::find(pattern.nodes, node) != pattern.nodes.end();
  };
  for (const Node* node : pattern.nodes)
    for (const Value& v : node->operands())
      if (!is_inside(v.node)) add(edges.in, v);
  for (const Node* node : graph.nodes())
    if (live[node->id] && node->id > pattern.nodes.front()->id && !is_inside(node))
      for (const Value& v : node->operands())
        if (is_inside(v.node)) add(edges.out, v);
  for (const Value& v : graph.results())
    if (is_inside(v.node)) add(edges.out, v);
  return edges;
}

void put(const Pattern& pattern, const Edges& edges, const Target& target, GraphCopier& copier, Graph& to) {
  auto body = std::make_shared<Graph>(pattern.name);
  for (const ir::SymbolFact& fact : to.facts().all()) body->facts().add(fact);
  GraphCopier inner(copier.from(), *body);
  for (const Value& v : edges.in) inner.set(v, body->add_parameter(v.type()));
  for (const Node* node : pattern.nodes) inner.copy(*node);
  body->set_results(inner.get(edges.out));
  const ir::LocationScope scope(to, pattern.nodes.back()->where);
  const std::vector<Value> results = ops::composite(pattern.name, {}, copier.get(edges.in), std::move(body));
  if (const auto refusal = target.composite_refusal(*results[0].node))
    throw base::Error(base::code::kRefusedKernel, fmt::format("{}: it refuses {}, a pattern of its own: {}",
                                                              target.name(), pattern.name, *refusal));
  for (size_t i = 0; i < results.size(); ++i) copier.set(edges.out[i], results[i]);
}

/// Null when nothing in it or in its regions is claimed.
std::unique_ptr<Graph> claimed(const Graph& graph, const PassContext& context) {
  const std::map<uint32_t, Pattern> patterns = PatternFinder(graph, context).find();
  std::map<uint32_t, std::vector<ir::GraphRef>> regions;
  for (const Node* node : graph.nodes()) {
    if (ops::is_composite(*node)) continue;
    std::vector<ir::GraphRef> changed(node->regions().begin(), node->regions().end());
    bool is_changed = false;
    for (ir::GraphRef& region : changed)
      if (std::shared_ptr<Graph> other = claimed(*region, context)) region = std::move(other), is_changed = true;
    if (is_changed) regions.emplace(node->id, std::move(changed));
  }
  if (patterns.empty() && regions.empty()) return nullptr;
  const std::vector<bool> live = ir::live_nodes(graph);
  std::map<uint32_t, Edges> edges;
  std::set<uint32_t> inside;
  for (const auto& [last, pattern] : patterns) {
    edges.emplace(last, edges_of(pattern, graph, live));
    for (const Node* node : pattern.nodes) inside.insert(node->id);
  }
  return ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    if (const auto pattern = patterns.find(node.id); pattern != patterns.end()) {
      put(pattern->second, edges.at(node.id), *context.target, copier, to);
      return true;
    }
    if (inside.contains(node.id)) return true;
    const auto others = regions.find(node.id);
    if (others != regions.end()) copier.copy(node, others->second);
    return others != regions.end();
  });
}

}  // namespace

std::unique_ptr<Graph> claim_patterns(const Graph& graph, const PassContext& context) {
  std::unique_ptr<Graph> result = context.target ? claimed(graph, context) : nullptr;
  return result ? std::move(result) : ir::copy_graph(graph);
}

}  // namespace strata::compiler
