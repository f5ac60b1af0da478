#include "strata/ir/plan/same_plan.h"

#include <algorithm>

#include "strata/ir/graph/op.h"

namespace strata::ir {
namespace {

std::string_view file_name(const Location& where) {
  const std::string_view file = where.file ? where.file : "";
  const size_t slash = file.rfind('/');
  return slash == file.npos ? file : file.substr(slash + 1);
}

bool same_position(const Location& a, const Location& b) {
  const std::string_view path_a = a.path ? a.path : "", path_b = b.path ? b.path : "";
  return path_a == path_b && file_name(a) == file_name(b) && (a.line == b.line || !a.file);
}

/// By node: its place among the parameters, or behind them among the others. A graph may have its parameters between
/// its nodes; its text has them first.
std::vector<size_t> places_of(const Graph& graph) {
  std::vector<size_t> places(graph.nodes().size());
  size_t next = 0;
  for (const Node* p : graph.parameters()) places[p->id] = next++;
  for (const Node* node : graph.nodes())
    if (!node->is_parameter()) places[node->id] = next++;
  return places;
}

class GraphComparison {
 public:
  GraphComparison(const Graph& a, const Graph& b) : a_(a), b_(b), places_a_(places_of(a)), places_b_(places_of(b)) {}

  bool are_same() const {
    if (a_.name() != b_.name() || !std::ranges::equal(a_.facts().all(), b_.facts().all())) return false;
    if (a_.parameters().size() != b_.parameters().size() || places_a_.size() != places_b_.size()) return false;
    for (size_t i = 0; i < a_.parameters().size(); ++i)
      if (a_.parameter(i).type() != b_.parameter(i).type() || a_.parameter_name(i) != b_.parameter_name(i))
        return false;
    return std::ranges::equal(others(a_), others(b_), [this](auto x, auto y) { return same_node(*x, *y); }) &&
           same_values(a_.results(), b_.results());
  }
  /// Of the graphs; null: none.
  bool same_place(const Node* a, const Node* b) const { return a && b ? places_a_[a->id] == places_b_[b->id] : a == b; }

 private:
  static std::vector<const Node*> others(const Graph& graph) {
    std::vector<const Node*> nodes;
    for (const Node* node : graph.nodes())
      if (!node->is_parameter()) nodes.push_back(node);
    return nodes;
  }

  bool same_values(std::span<const Value> a, std::span<const Value> b) const {
    return std::ranges::equal(
        a, b, [this](const Value& x, const Value& y) { return same_place(x.node, y.node) && x.index == y.index; });
  }

  bool same_node(const Node& a, const Node& b) const {
    return a.op == b.op && a.hash == b.hash && std::ranges::equal(a.types(), b.types()) &&
           same_values(a.operands(), b.operands()) && same_position(a.where, b.where) &&
           std::ranges::equal(a.regions(), b.regions(),
                              [](const GraphRef& x, const GraphRef& y) { return GraphComparison(*x, *y).are_same(); });
  }

  const Graph &a_, &b_;
  const std::vector<size_t> places_a_, places_b_;
};

bool same_buffer(const PlanBuffer& a, const PlanBuffer& b) {
  return a.type == b.type && a.kind == b.kind && a.index == b.index && a.root == b.root && a.first == b.first &&
         a.last == b.last;
}

bool same_variant(const KernelVariant& a, const KernelVariant& b) {
  return a.value == b.value && a.most == b.most && a.kernel == b.kernel;
}

bool same_command(const PlanCommand& a, const PlanCommand& b) {
  return a.kind == b.kind && a.kernel == b.kernel && std::ranges::equal(a.variants, b.variants, same_variant) &&
         a.reads == b.reads && a.writes == b.writes && a.regions == b.regions && a.cost.flops == b.cost.flops &&
         a.cost.bytes == b.cost.bytes && a.can_fail == b.can_fail && a.updates == b.updates &&
         a.copied_because == b.copied_because && a.must_be_in_place == b.must_be_in_place;
}

bool same_finite(const FiniteResult& a, const FiniteResult& b) {
  return a.result == b.result && a.name == b.name && a.buffer == b.buffer && a.command == b.command;
}

bool same_entry(const EntryCondition& a, const EntryCondition& b) { return a.value == b.value && a.lowest == b.lowest; }

bool same_donation(const Donation& a, const Donation& b) { return a.result == b.result && a.argument == b.argument; }

bool same_kept(const KeptArgument& a, const KeptArgument& b) {
  return a.argument == b.argument && a.result == b.result && a.reason == b.reason;
}

bool same_prologue(const PlanPrologue& a, const PlanPrologue& b) {
  return a.from == b.from && same_plan(*a.plan, *b.plan);
}

}  // namespace

bool same_plan(const Plan& a, const Plan& b) {
  using std::ranges::equal;
  const GraphComparison graphs(*a.graph, *b.graph);
  const auto same_work = [&](const PlanCommand& x, const PlanCommand& y) {
    return same_command(x, y) && graphs.same_place(x.node, y.node);
  };
  return graphs.are_same() && a.name == b.name && a.dims == b.dims && a.kernels == b.kernels &&
         a.arguments == b.arguments && a.results == b.results && equal(a.entry, b.entry, same_entry) &&
         equal(a.buffers, b.buffers, same_buffer) && equal(a.commands, b.commands, same_work) &&
         equal(a.donations, b.donations, same_donation) && equal(a.kept, b.kept, same_kept) &&
         equal(a.finite, b.finite, same_finite) &&
         equal(a.constants, b.constants, [](const HostArray& x, const HostArray& y) { return x.same_bits(y); }) &&
         equal(a.regions, b.regions, [](const auto& x, const auto& y) { return same_plan(*x, *y); }) &&
         equal(a.prologue, b.prologue, same_prologue);
}

}  // namespace strata::ir
