#include "strata/compiler/plan/budgeted_programs.h"

#include <algorithm>

#include "strata/compiler/plan/command_order.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/plan/recompute.h"
#include "strata/ir/counts/counts.h"
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

/// What a ladder needs to know of a plan's commands.
class Ladder {
 public:
  Ladder(const PlanRequest& request, const ir::Plan& plan, const ir::DimBinding& dims)
      : request_(request),
        plan_(plan),
        graph_(*request.graph),
        counts_(graph_),
        dims_(dims),
        nodes_(all_nodes()),
        updated_(updated_operands()),
        memory_(graph_, nodes_, updated_, [this](ir::Dim d) { return size(d); }) {}

  LadderRequest request() const {
    LadderRequest r{.graph = graph_, .memory = memory_};
    for (const ir::PlanCommand& c : plan_.commands)
      if (c.kind != ir::CommandKind::Copy) r.order.push_back(c.node);
    const std::vector<bool> is_written_over = owners_written_over();
    const std::vector<std::vector<int>> writers = writers_of_arguments();
    r.costs.resize(graph_.nodes().size());
    for (const ir::PlanCommand& c : plan_.commands) {
      if (c.kind != ir::CommandKind::Kernel) continue;
      RepeatCost& cost = r.costs[c.node->id];
      cost.seconds = kStartSeconds + size(c.cost.flops) / kFlopsPerSecond + size(c.cost.bytes) / kBytesPerSecond;
      // A result has its place, and what is written over is not there any more.
      cost.may_repeat = c.updates < 0 && !c.can_fail && memory_.writes(*c.node).size() == c.node->result_count &&
                        std::ranges::none_of(
                            c.node->operands(), [&](const ir::Value& v) { return is_written_over[memory_.owner(v)]; });
      for (const ir::Value& v : c.node->operands()) {
        const std::vector<int>& w = writers[written_value(v).node->id];
        cost.overwritten.insert(cost.overwritten.end(), w.begin(), w.end());
      }
    }
    return r;
  }

 private:
  int64_t size(ir::Dim d) const { return dims_(counts_.largest(d)); }

  /// Those that are live, in the order of the graph.
  std::vector<const Node*> all_nodes() const {
    const std::vector<bool> live = live_nodes(graph_);
    std::vector<const Node*> nodes;
    for (const Node* n : graph_.nodes())
      if (live[n->id] && !n->is_parameter()) nodes.push_back(n);
    return nodes;
  }
  std::vector<int> updated_operands() const {
    std::vector<int> updated(graph_.nodes().size(), -1);
    for (const auto& [id, use] : request_.kernels) updated[id] = use.update.operand;
    return updated;
  }
  std::vector<bool> owners_written_over() const {
    std::vector<bool> written(memory_.owner_count());
    for (const Node* n : nodes_)
      if (updated_[n->id] >= 0) written[memory_.owner(n->operand(updated_[n->id]))] = true;
    return written;
  }
  /// By id of a parameter, the nodes that write its memory.
  std::vector<std::vector<int>> writers_of_arguments() const {
    std::vector<std::vector<int>> writers(graph_.nodes().size());
    for (const ir::Donation& d : plan_.donations)
      writers[graph_.parameters()[d.argument]->id].push_back(written_value(graph_.results()[d.result]).node->id);
    return writers;
  }

  const PlanRequest& request_;
  const ir::Plan& plan_;
  const ir::Graph& graph_;
  const ir::CountBounds counts_;
  const ir::DimBinding& dims_;
  const std::vector<const Node*> nodes_;
  const std::vector<int> updated_;
  const CommandMemory memory_;
};

}  // namespace

std::shared_ptr<const ir::Plan> BudgetedPrograms::plan_of(std::span<const Node* const> sequence) const {
  RepeatedGraph repeated = with_repeats(*request_.graph, sequence);
  PlanRequest request = request_;
  request.graph = repeated.graph;
  request.is_ordered = true;
  request.kernels.clear();
  for (size_t id = 0; id < repeated.origin.size(); ++id) {
    const Node* origin = repeated.origin[id];
    if (!origin || !request_.kernels.contains(origin->id)) continue;
    KernelUse& use = request.kernels.emplace(id, request_.kernels.at(origin->id)).first->second;
    if (use.update.node == origin) use.update.node = repeated.graph->nodes()[id];
  }
  return make_plan(request);
}

std::shared_ptr<const runtime::Executable> BudgetedPrograms::of(const ir::DimBinding& dims) const {
  auto program = finish_(plan_);
  MemoryPeak peak = memory_peak(*program, dims);
  if (peak.bytes <= budget_bytes_) return program;
  const Ladder commands(request_, *plan_, dims);
  RecomputeLadder ladder(commands.request());
  while (const auto* sequence = ladder.next()) {
    auto smaller = finish_(plan_of(*sequence));
    MemoryPeak its_peak = memory_peak(*smaller, dims);
    if (its_peak.bytes <= budget_bytes_) return smaller;
    if (its_peak.bytes < peak.bytes) {
      peak = std::move(its_peak);
      program = std::move(smaller);
    }
  }
  refuse_budget(*program, peak, budget_bytes_);
}

}  // namespace strata::compiler
