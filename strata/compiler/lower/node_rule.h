// What kernels that write scans as loops share: the lowering rule of one node, and buffers for looking whether a scan
// is such a loop.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ops/facets/lowering.h"

namespace strata::compiler {

/// What a node's lowering rule says; its functions ask `read` for elements of operands.
class NodeRule final : public ir::Lowering {
 public:
  using Read = std::function<ir::loops::Expr(ir::Value, std::span<const ir::loops::Expr>)>;
  NodeRule(const ir::Node& node, ir::loops::LoopContext& context, Read read)
      : Lowering(node, context), read_(std::move(read)) {
    node.op->lower.fn(*this);
  }
  std::vector<ir::ElementFn> elements;
  std::optional<ir::ReductionForm> fold;
  std::optional<ir::ContractionForm> product;
  std::optional<int> aliased;

  ir::loops::Expr operand(int i, std::span<const ir::loops::Expr> index) override {
    return read_(node.operand(i), index);
  }
  const ir::loops::Buffer* operand_buffer(int) override { return nullptr; }
  const ir::loops::Buffer* result_buffer(int) override { return nullptr; }
  void element(int result, ir::ElementFn f) override {
    if (std::ssize(elements) <= result) elements.resize(result + 1);
    elements[result] = std::move(f);
  }
  void reduction(int, ir::ReductionForm f) override { fold = std::move(f); }
  void contraction(ir::ContractionForm f) override { product = std::move(f); }
  void loops(ir::LoopsForm) override {}
  void update(ir::UpdateForm) override {}
  void alias(int operand) override { aliased = operand; }

 private:
  Read read_;
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
