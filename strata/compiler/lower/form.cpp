#include "strata/compiler/lower/form.h"

#include <algorithm>

#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

/// Records which call the rule makes. The forms themselves are not looked at.
class FormProbe final : public ir::Lowering {
 public:
  using Lowering::Lowering;
  Form form = Form::Command;
  int updated = -1;

  ir::loops::Expr operand(int i, std::span<const ir::loops::Expr>) override {
    return context.constant(node.operand(i).dtype(), 0);
  }
  const ir::loops::Buffer* operand_buffer(int) override { return nullptr; }
  const ir::loops::Buffer* result_buffer(int) override { return nullptr; }
  void element(int, ir::ElementFn) override { form = Form::Element; }
  void reduction(int, ir::ReductionForm) override { form = Form::Reduction; }
  void contraction(ir::ContractionForm) override { form = Form::Contraction; }
  void loops(ir::LoopsForm) override { form = Form::Loops; }
  void update(ir::UpdateForm f) override { form = Form::Update, updated = f.operand; }
  void alias(int) override { form = Form::Alias; }
};

/// A kernel for each of so many slices still compiles in about a second.
constexpr uint32_t kMostSlices = 64;

}  // namespace

Form form_of(const ir::Node& node) {
  if (!node.op || !node.op->lower) return Form::Command;
  ir::loops::LoopContext context;
  FormProbe probe(node, context);
  node.op->lower.fn(probe);
  return probe.form;
}

UpdateInKernel update_in(const ir::Node& kernel) {
  if (kernel.op == &ops::kFusion) {
    const ir::Graph& region = kernel.region(0);
    const UpdateInKernel last = update_in(*region.nodes().back());
    if (!last.node) return {};
    const auto parameters = region.parameters();
    const ir::Node* updated = last.node->operand(last.operand).node;
    int64_t reads = 0;
    for (const ir::Node* node : region.nodes())
      reads += std::ranges::count_if(node->operands(), [&](ir::Value v) { return v.node == updated; });
    return {last.node, static_cast<int>(std::ranges::find(parameters, updated) - parameters.begin()), reads > 1};
  }
  if (!kernel.op || !kernel.op->lower) return {};
  ir::loops::LoopContext context;
  FormProbe probe(kernel, context);
  kernel.op->lower.fn(probe);
  if (probe.form != Form::Update) return {};
  return {&kernel, probe.updated};
}

std::vector<Form> forms_of(const ir::Graph& graph) {
  const auto nodes = graph.nodes();
  std::vector<uint32_t> slices(nodes.size());
  const std::vector<bool> live = ir::live_nodes(graph);
  for (const ir::Node* node : nodes)
    if (live[node->id] && node->op == &ops::kSlice) ++slices[node->operand(0).node->id];
  std::vector<Form> forms(nodes.size(), Form::Command);
  for (const ir::Node* node : nodes) {
    const bool is_cut = node->op == &ops::kSlice && slices[node->operand(0).node->id] > kMostSlices;
    if (!is_cut) forms[node->id] = form_of(*node);
  }
  return forms;
}

ir::Value written_value(ir::Value v) {
  while (!v.node->is_parameter() && v.node->op != &ops::kFusion && v.node->op != &ops::kConstant &&
         form_of(*v.node) == Form::Alias)
    v = v.node->operand(0);
  return v;
}

ir::Value written_value(ir::Value v, std::span<const Form> forms) {
  while (!v.node->is_parameter() && forms[v.node->id] == Form::Alias) v = v.node->operand(0);
  return v;
}

}  // namespace strata::compiler
