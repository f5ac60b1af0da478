#include "strata/compiler/graph/residuals/residuals.h"

#include <algorithm>

#include "strata/compiler/graph/costly_op.h"
#include "strata/compiler/graph/residuals/min_cut.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/nominal_size.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;

namespace {

/// Operations that take the time of a byte to or from memory. Polynomials in vectors reach a third of the peak, since
/// their multiply-adds wait for each other: 30 to 40 Gop/s a core against 10 to 15 GB/s.
constexpr int64_t kOperationsPerByte = 3;
/// Nodes of one choice; what lies behind them is kept.
constexpr size_t kMostNodes = 2000;
/// How far one residual is followed.
constexpr int kMostSteps = 64;

/// What the loops make up as they go, or read from the cache.
bool is_free(const Node& n) { return !n.is_parameter() && (n.operand_count == 0 || n.op == &ops::kBroadcast); }

}  // namespace

Residuals::Residuals(const ir::Graph& graph, std::vector<Form> forms)
    : graph_(graph),
      live_(ir::live_nodes(graph)),
      forms_(std::move(forms)),
      level_(graph.nodes().size()),
      uses_(ir::uses_of(graph, live_)),
      is_stored_(graph.nodes().size()),
      is_costly_(graph.nodes().size()),
      is_kept_(graph.nodes().size()) {
  for (const Node* n : graph.nodes())
    if (live_[n->id] && !n->is_parameter()) look_at(*n);
  for (const Value& v : graph.results()) is_stored_[v.node->id] = true;
  std::map<std::pair<int, int>, std::vector<const Node*>> saved;  // by levels of the value and of its user
  for (const Node* n : graph.nodes()) {
    if (!live_[n->id] || n->is_parameter() || is_free(*n)) continue;
    // What is summed and read otherwise goes through memory for the sum.
    const auto sums = [&](const ir::Use& use) { return forms_[use.user->id] == Form::Reduction; };
    if (uses_[n->id].size() > 1 && std::ranges::any_of(uses_[n->id], sums)) is_stored_[n->id] = true;
    for (const ir::Use& use : uses_[n->id]) {
      if (!is_late(*use.user, *n)) continue;
      std::vector<const Node*>& values = saved[{level_[n->id], level_[use.user->id]}];
      if (values.empty() || values.back() != n) values.push_back(n);
    }
  }
  for (const auto& [levels, values] : saved)
    if (std::ranges::any_of(values, [&](const Node* n) { return is_costly_[n->id]; })) cut(values, levels.second);
}

void Residuals::look_at(const Node& n) {
  const bool is_repeatable = may_repeat(n);
  is_costly_[n.id] = is_repeatable && is_costly(n);
  is_stored_[n.id] = forms_[n.id] == Form::Contraction;
  for (const Value& v : n.operands()) {
    level_[n.id] = std::max(level_[n.id], level_[v.node->id]);
    if (reads_memory(n)) is_stored_[v.node->id] = true;
    if (is_repeatable && is_costly_[v.node->id]) is_costly_[n.id] = true;
  }
  if (reads_memory(n) && forms_[n.id] != Form::Alias) ++level_[n.id];
}

/// Whether the node reads its operands from memory, behind which nothing is in the kernel of what is in front.
bool Residuals::reads_memory(const Node& n) const {
  const Form form = forms_[n.id];
  return form != Form::Element && form != Form::Reduction;
}

/// What reads a parameter late might keep its memory from being written over.
bool Residuals::may_repeat(const Node& n) const {
  const auto is_array = [](const Value& v) { return v.node->is_parameter() && v.type().rank() > 0; };
  return !n.is_parameter() && std::ranges::none_of(n.operands(), is_array) && n.op->is_pointwise &&
         n.op->effect == ir::Effect::None && n.result_count == 1 && forms_[n.id] == Form::Element;
}

/// In bytes of traffic.
int64_t Residuals::cost_of_keeping(const Node& n) const {
  if (is_free(n)) return 0;
  const int64_t bytes = ir::nominal_size(graph_.facts(), n.type().bytes());
  const bool is_there = n.is_parameter() || is_stored_[n.id] || forms_[n.id] == Form::Alias;
  return is_there ? bytes : 2 * bytes;
}
int64_t Residuals::cost_of_repeating(const Node& n) const {
  return ir::nominal_size(graph_.facts(), n.op->cost.fn(n).flops) / kOperationsPerByte;
}

/// What to keep and what to compute again, so that all `values` are there for the users of a level at least cost. What
/// is there for that level alone is not computed a second time.
void Residuals::cut(const std::vector<const Node*>& values, int level) {
  MinCut network;
  const int source = network.add_point(), sink = network.add_point();
  // A node has two points, which part where it is kept. Its first is with the sink where it is computed again.
  std::map<const Node*, int> first;
  std::vector<std::pair<const Node*, int>> open;
  const auto point_of = [&](const Node* n, int steps) {
    const auto [at, is_new] = first.try_emplace(n, 0);
    if (!is_new) return at->second;
    at->second = network.add_point();
    network.add_point();
    open.emplace_back(n, steps);
    return at->second;
  };
  for (const Node* v : values) network.add_edge(point_of(v, 0) + 1, sink, MinCut::kNever);
  for (size_t i = 0; i < open.size(); ++i) {
    const auto [n, steps] = open[i];
    const int point = first.at(n);
    network.add_edge(point, point + 1, cost_of_keeping(*n));
    if (!may_repeat(*n) || steps == kMostSteps || open.size() > kMostNodes) {
      network.add_edge(source, point, MinCut::kNever);
      continue;
    }
    network.add_edge(source, point, cost_of_repeating(*n));
    for (const Value& v : n->operands()) network.add_edge(point_of(v.node, steps + 1) + 1, point, MinCut::kNever);
  }
  const std::vector<bool> stays = network.cut(source, sink);
  std::set<const Node*> again;
  for (const auto& [n, point] : first) {
    if (!stays[point])
      again.insert(n);
    else if (!stays[point + 1] && may_repeat(*n))
      is_kept_[n->id] = true;
  }
  const auto is_for_level = [&](const Node* n) {
    return std::ranges::all_of(uses_[n->id], [&](const ir::Use& use) {
      return again.contains(use.user) || (level_[use.user->id] == level && is_late(*use.user, *n));
    });
  };
  if (!std::ranges::all_of(again, is_for_level)) again_[level].insert(again.begin(), again.end());
}

}  // namespace strata::compiler
