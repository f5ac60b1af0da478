#include "strata/compiler/plan/repeat_costs.h"

#include <algorithm>

#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Node;

namespace {

/// To weigh arithmetic against memory: operations and bytes in a second. What counts is their ratio, and it is not
/// measured, so that two machines make the same plan.
constexpr double kFlopsPerSecond = 1e11, kBytesPerSecond = 1e10;
/// Of starting a kernel.
constexpr double kStartSeconds = 1e-6;

}  // namespace

RepeatCosts::RepeatCosts(const PlanRequest& request, const ir::Plan& plan, const ir::DimBinding& dims)
    : request_(request),
      plan_(plan),
      graph_(*request.graph),
      counts_(graph_),
      dims_(dims),
      nodes_(all_nodes()),
      updated_(updated_operands()),
      memory_(graph_, nodes_, updated_, [this](ir::Dim d) { return size(d); }) {}

double RepeatCosts::seconds(const ir::PlanCommand& command) const {
  if (command.kind != ir::CommandKind::Kernel) return 0;
  return kStartSeconds + size(command.cost.flops) / kFlopsPerSecond + size(command.cost.bytes) / kBytesPerSecond;
}

LadderRequest RepeatCosts::request() const {
  LadderRequest r{.graph = graph_, .memory = memory_};
  for (const ir::PlanCommand& c : plan_.commands)
    if (c.kind != ir::CommandKind::Copy) r.order.push_back(c.node);
  const std::vector<bool> is_written_over = owners_written_over();
  const std::vector<std::vector<int>> writers = writers_of_arguments();
  r.costs.resize(graph_.nodes().size());
  for (const ir::PlanCommand& c : plan_.commands) {
    if (c.kind != ir::CommandKind::Kernel) continue;
    RepeatCost& cost = r.costs[c.node->id];
    cost.seconds = seconds(c);
    // A result has its place, and what is written over is not there any more.
    cost.may_repeat =
        c.updates < 0 && !c.can_fail && memory_.writes(*c.node).size() == c.node->result_count &&
        std::ranges::none_of(c.node->operands(), [&](const ir::Value& v) { return is_written_over[memory_.owner(v)]; });
    for (const ir::Value& v : c.node->operands()) {
      const std::vector<int>& w = writers[written_value(v).node->id];
      cost.overwritten.insert(cost.overwritten.end(), w.begin(), w.end());
    }
  }
  return r;
}

/// Those that are live, in the order of the graph.
std::vector<const Node*> RepeatCosts::all_nodes() const {
  const std::vector<bool> live = live_nodes(graph_);
  std::vector<const Node*> nodes;
  for (const Node* n : graph_.nodes())
    if (live[n->id] && !n->is_parameter()) nodes.push_back(n);
  return nodes;
}

std::vector<int> RepeatCosts::updated_operands() const {
  std::vector<int> updated(graph_.nodes().size(), -1);
  for (const auto& [id, use] : request_.kernels) updated[id] = use.update.operand;
  return updated;
}

std::vector<bool> RepeatCosts::owners_written_over() const {
  std::vector<bool> written(memory_.owner_count());
  for (const Node* n : nodes_)
    if (updated_[n->id] >= 0) written[memory_.owner(n->operand(updated_[n->id]))] = true;
  return written;
}

/// By id of a parameter, the nodes that write its memory.
std::vector<std::vector<int>> RepeatCosts::writers_of_arguments() const {
  std::vector<std::vector<int>> writers(graph_.nodes().size());
  for (const ir::Donation& d : plan_.donations)
    writers[graph_.parameters()[d.argument]->id].push_back(written_value(graph_.results()[d.result]).node->id);
  return writers;
}

}  // namespace strata::compiler
