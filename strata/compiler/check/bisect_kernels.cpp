#include "strata/compiler/check/bisect_kernels.h"

#include "strata/compiler/check/error_bounds.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/with_extents.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {

using ir::Graph;
using ir::HostArray;
using ir::Node;

namespace {

/// The node as a program: a fusion is written out.
std::shared_ptr<const Graph> alone(const Node& node, const ir::DimBinding& dims) {
  Graph graph(std::string(node.op->name));
  for (const ir::SymbolFact& fact : node.graph->facts().all()) graph.facts().add(fact);
  ir::GraphCopier copier(*node.graph, graph);
  std::vector<ir::Value> parameters, results;
  for (int i = 0; i < std::ssize(node.operands()); ++i) {
    const ir::Value operand = node.operands()[i];
    parameters.push_back(graph.add_parameter(operand.type(), "p" + std::to_string(i)));
    if (!copier.find(operand).node) copier.set(operand, parameters.back());
  }
  if (node.op == &ops::kFusion) {
    results = ir::inline_graph(node.region(0), graph, parameters);
  } else {
    Node* copy = copier.copy(node);
    for (uint32_t i = 0; i < node.result_count; ++i) results.push_back(copy->result(i));
  }
  graph.set_results(results);
  return ir::with_extents(graph, dims);
}

class Comparison {
 public:
  explicit Comparison(const KernelReference& reference) : reference_(reference) {}

  void look(const runtime::CommandAtWork& at) {
    const ir::Plan& plan = at.program.plan();
    const ir::PlanCommand& command = plan.commands[at.command];
    if (command.kind != ir::CommandKind::Kernel || found.wrong) return at.run();
    std::vector<HostArray> operands;  // copies: the command may write to them
    for (const HostArray& a : at.views(command.reads)) operands.push_back(a.clone());
    at.run();
    const Node& node = *command.node;
    std::vector<HostArray> given = at.views(command.writes);
    given.resize(node.result_count);  // without the kernel's own memory
    ++found.compared;
    const auto graph = alone(node, at.dims);
    if (auto off = difference(graph, operands, given)) {
      const std::string where = node.where.str();
      found.wrong = {plan.name,
                     plan.kernels[command.kernel],
                     static_cast<int>(at.command),
                     std::string(node.op->name) + (where.empty() ? "" : " at " + where),
                     graph,
                     std::move(operands),
                     *off};
    }
  }

  KernelBisection found;

 private:
  std::optional<ElementDifference> difference(const std::shared_ptr<const Graph>& graph,
                                              std::span<const HostArray> operands,
                                              std::span<const HostArray> given) const {
    KernelReference exact = reference_;
    exact.allowed = Allowed::Nothing;
    const ReferenceResults expected = reference_results(graph, operands, exact);
    auto off = first_element_off(expected.results, given);
    if (!off || reference_.allowed == Allowed::Nothing) return off;
    return first_element_off(expected.results, given, error_bounds(*graph, operands, 1));
  }

  const KernelReference& reference_;
};

}  // namespace

KernelBisection find_wrong_kernel(const runtime::Executable& program, const std::vector<HostArray>& arguments,
                                  const KernelReference& reference) {
  Comparison comparison(reference);
  comparison.found.results =
      program.run_looking(arguments, [&](const runtime::CommandAtWork& at) { comparison.look(at); });
  return std::move(comparison.found);
}

ReferenceResults reference_results(const std::shared_ptr<const Graph>& graph, std::span<const HostArray> arguments,
                                   const KernelReference& reference) {
  ReferenceResults made;
  made.results = reference.target ? run_natively(graph, arguments, {.target = reference.target})
                                  : ir::interpret(*graph, arguments);
  if (reference.allowed == Allowed::Tolerance) made.bounds = error_bounds(*graph, arguments, 1);
  return made;
}

}  // namespace strata::compiler
