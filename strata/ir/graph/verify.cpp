#include "strata/ir/graph/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/text/text_form.h"

namespace strata::ir {
namespace {

std::string types_str(std::span<const Type> types) {
  std::string text;
  for (Type t : types) text += (text.empty() ? "" : ", ") + t.str();
  return text.empty() ? "nothing" : text;
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph, const Graph* before = nullptr) : graph_(graph) {
    if (!before) return;
    for (const Node* node : before->nodes())
      for (const GraphRef& region : node->regions()) known_.insert(region.get());
  }

  std::optional<GraphFault> find() {
    std::vector<const Node*> parameters;
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const Node& node = *graph_.nodes()[i];
      if (node.id != i || node.graph != &graph_)
        return fault(node, fmt::format("stands at {} but says {}", i, node.id));
      if (node.is_parameter())
        parameters.push_back(&node);
      else if (auto found = check(node))
        return found;
    }
    if (!std::equal(parameters.begin(), parameters.end(), graph_.parameters().begin(), graph_.parameters().end()))
      return GraphFault{"the parameters are not those of the node list", "", ""};
    for (const Value& v : graph_.results())
      if (!is_defined(v, graph_.nodes().size())) return GraphFault{"a result is not a value of the graph", "", ""};
    if (auto found = count_fault()) return found;
    for (const SymbolFact& f : graph_.facts().all())
      if (f.lowest > f.highest || f.multiple < 1)
        return GraphFault{fmt::format("the facts about {} contradict each other", f.name), "", ""};
    return std::nullopt;
  }

 private:
  static GraphFault fault(const Node& node, std::string what) {
    return {std::move(what), print_node(node), node.where.str()};
  }

  /// A count has its value behind the node that counts, from nothing else, and no more is known of it.
  std::optional<GraphFault> count_fault() const {
    const CountBounds counts(graph_);
    if (counts.empty()) return std::nullopt;
    std::unordered_set<std::string> known;
    for (const Node* node : graph_.nodes()) {
      if (node->is_parameter() && counts.is_mentioned_by(*node))
        return fault(*node, "a parameter has a dimension that the program counts");
      const auto count = count_of(*node);
      if (count) known.insert(count->symbol);
      if (node->is_parameter() || !counts.is_mentioned_by(*node)) continue;
      for (const Count& other : counts.all())
        if (!known.contains(other.symbol) && CountBounds(graph_, {&other, 1}).is_mentioned_by(*node))
          return fault(*node, fmt::format("it names {}, which is counted behind it", other.symbol));
    }
    for (const Count& count : counts.all()) {
      const SymbolFact f = graph_.facts().of(count.symbol);
      if (!(f.capacity == count.capacity) || f.lowest != 0 || f.multiple != 1)
        return GraphFault{fmt::format("{} is counted, and the facts say something else", count.symbol), "", ""};
    }
    return std::nullopt;
  }

  bool is_defined(Value v, size_t before) const {
    return v.node && v.node->graph == &graph_ && v.node->id < before && graph_.nodes()[v.node->id] == v.node &&
           v.index < v.node->result_count;
  }

  std::optional<GraphFault> check(const Node& node) const {
    for (size_t i = 0; i < node.operands().size(); ++i)
      if (!is_defined(node.operands()[i],
                      node.id)) {  // the operand can't be printed: it may be of a graph that is gone
        return GraphFault{
            fmt::format("operand {} of {} is not a value defined before it in this graph", i, node.op->name),
            std::string(node.op->name), node.where.str()};
      }
    if (auto what = attribute_fault(node)) return fault(node, *what);
    for (const GraphRef& region : node.regions()) {
      if (!region) return fault(node, "a region is missing");
      if (known_.contains(region.get())) continue;
      if (auto inner = find_graph_fault(*region)) {
        inner->what = fmt::format("in the region {} of {}: {}", region->name(), node.op->name, inner->what);
        return inner;
      }
    }
    return type_fault(node);
  }

  static std::optional<std::string> attribute_fault(const Node& node) {
    const auto attrs = node.attrs.all();
    const auto specs = node.op->attrs;
    if (attrs.size() < specs.size())
      return fmt::format("has {} attributes, {} declares {}", attrs.size(), node.op->name, specs.size());
    for (size_t i = 0; i < specs.size(); ++i)
      if (attrs[i].name != specs[i].name || attrs[i].kind != specs[i].kind)
        return fmt::format("attribute {} is '{}', expected '{}', or its kind differs", i, attrs[i].name, specs[i].name);
    if (attrs.size() > specs.size() && node.op->name != "composite")
      return fmt::format("has an attribute '{}' that is not declared", attrs[specs.size()].name);
    return std::nullopt;
  }

  std::optional<GraphFault> type_fault(const Node& node) const {
    Infer infer(*node.op, node.operands(), node.attrs, node.regions(), graph_);
    try {
      apply_type_rule(infer);
    } catch (const base::Error& error) {
      return fault(node, "its type rule refuses it: " + error.message());
    }
    const auto inferred = infer.results.view();
    if (std::equal(inferred.begin(), inferred.end(), node.types().begin(), node.types().end())) return std::nullopt;
    return fault(node,
                 fmt::format("its types are {}, its rule infers {}", types_str(node.types()), types_str(inferred)));
  }

  const Graph& graph_;
  std::unordered_set<const Graph*> known_;  ///< regions that were looked at before
};

}  // namespace

std::optional<GraphFault> find_graph_fault(const Graph& graph) { return Verifier(graph).find(); }

std::optional<GraphFault> find_graph_fault(const Graph& graph, const Graph& before) {
  return Verifier(graph, &before).find();
}

void verify_graph(const Graph& graph, const std::string& at) {
  const auto fault = find_graph_fault(graph);
  if (!fault) return;
  base::Error error(base::code::kProgramRule,
                    fmt::format("{}{}: {}", graph.name(), at.empty() ? "" : " " + at, fault->what));
  if (!fault->node.empty()) error.note("node: " + fault->node);
  if (!fault->where.empty()) error.note("recorded at " + fault->where);
  throw error;
}

}  // namespace strata::ir
