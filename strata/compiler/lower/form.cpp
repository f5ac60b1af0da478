#include "strata/compiler/lower/form.h"

#include "strata/ops/lowering.h"

namespace strata::compiler {
namespace {

/// Records which call the rule makes. The forms themselves are not looked at.
class FormProbe final : public ir::Lowering {
 public:
  using Lowering::Lowering;
  Form form = Form::Command;

  ir::loops::Expr operand(int i, std::span<const ir::loops::Expr>) override {
    return context.constant(node.operand(i).dtype(), 0);
  }
  const ir::loops::Buffer* operand_buffer(int) override { return nullptr; }
  const ir::loops::Buffer* result_buffer(int) override { return nullptr; }
  void element(int, ir::ElementFn) override { form = Form::Element; }
  void reduction(int, ir::ReductionForm) override { form = Form::Reduction; }
  void contraction(ir::ContractionForm) override { form = Form::Contraction; }
  void loops(ir::LoopsForm) override { form = Form::Loops; }
  void alias(int) override { form = Form::Alias; }
};

}  // namespace

Form form_of(const ir::Node& node) {
  if (!node.op || !node.op->lower) return Form::Command;
  ir::loops::LoopContext context;
  FormProbe probe(node, context);
  node.op->lower.fn(probe);
  return probe.form;
}

}  // namespace strata::compiler
