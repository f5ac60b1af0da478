// What the lowering rule of one node says, for all that write kernels; and buffers for looking whether a scan is a loop
// that a kernel can be.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/graph.h"
#include "strata/ops/facets/lowering.h"

namespace strata::compiler {

/// The functions that the rule gave refer to it: they ask `read` for elements of operands, and `memory` for buffers of
/// operands and results, where there are any.
class NodeLowering final : public ir::Lowering {
 public:
  using Read = std::function<ir::loops::Expr(ir::Value, std::span<const ir::loops::Expr>)>;
  using Memory = std::function<const ir::loops::Buffer*(ir::Value)>;
  NodeLowering(const ir::Node& node, ir::loops::LoopContext& context, Read read, Memory memory = {})
      : Lowering(node, context), read_(std::move(read)), memory_(std::move(memory)) {
    node.op->lower.fn(*this);
  }

  Form form = Form::Command;
  std::vector<ir::ElementFn> elements;  ///< by result
  std::optional<ir::ReductionForm> fold;
  std::optional<ir::ContractionForm> product;
  std::optional<ir::LoopsForm> own;
  std::optional<ir::UpdateForm> in_place;
  int aliased = 0;  ///< operand

  ir::loops::Expr operand(int i, std::span<const ir::loops::Expr> index) override {
    return read_(node.operand(i), index);
  }
  const ir::loops::Buffer* operand_buffer(int i) override { return memory_ ? memory_(node.operand(i)) : nullptr; }
  const ir::loops::Buffer* result_buffer(int r) override { return memory_ ? memory_(node.result(r)) : nullptr; }
  void element(int result, ir::ElementFn f) override {
    form = Form::Element;
    if (std::ssize(elements) <= result) elements.resize(result + 1);
    elements[result] = std::move(f);
  }
  void reduction(int, ir::ReductionForm f) override { form = Form::Reduction, fold = std::move(f); }
  void contraction(ir::ContractionForm f) override { form = Form::Contraction, product = std::move(f); }
  void loops(ir::LoopsForm f) override { form = Form::Loops, own = std::move(f); }
  void update(ir::UpdateForm f) override { form = Form::Update, in_place = std::move(f); }
  void alias(int operand) override { form = Form::Alias, aliased = operand; }

 private:
  Read read_;
  Memory memory_;
};

/// A buffer for each of the types.
inline std::vector<const ir::loops::Buffer*> parameter_buffers(ir::loops::LoopContext& context,
                                                               std::span<const ir::Type> types,
                                                               ir::loops::BufferKind kind) {
  std::vector<const ir::loops::Buffer*> buffers;
  for (ir::Type t : types)
    buffers.push_back(context.buffer({"p", t.dtype(), {t.shape().begin(), t.shape().end()}, kind}));
  return buffers;
}

}  // namespace strata::compiler
