// What a kernel is written with: its buffers, the elements of values as expressions, and the stores of its results.
//
// An element is, in this order: a load from a parameter; what set_elements() says (a sum that was just made, a number
// that waits in a local, a row that has been stored); else the definition of its node, written out in place.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strata/compiler/lower/node_lowering.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

class KernelWriter {
 public:
  explicit KernelWriter(ir::loops::Kernel& kernel) : kernel_(kernel), c_(*kernel.context) {}
  KernelWriter(const KernelWriter&) = delete;  // lowerings refer to it
  KernelWriter& operator=(const KernelWriter&) = delete;

  /// The next parameter of the kernel.
  const ir::loops::Buffer* add_buffer(std::string name, ir::Type type, ir::loops::BufferKind kind);
  void set_input(ir::Value v, const ir::loops::Buffer* buffer) { inputs_[key(v)] = buffer; }
  void set_output(ir::Value v, const ir::loops::Buffer* buffer) { outputs_.emplace_back(v, buffer); }
  std::span<const std::pair<ir::Value, const ir::loops::Buffer*>> outputs() const { return outputs_; }
  /// Null: the value is no result.
  const ir::loops::Buffer* output_of(ir::Value v) const;

  ir::loops::LoopContext& context() const { return c_; }
  NodeLowering& lowering_of(const ir::Node& node);
  ir::loops::Expr element(ir::Value v, std::span<const ir::loops::Expr> index);
  /// From here on the value's elements are these, until it is forgotten.
  void set_elements(ir::Value v, ir::ElementFn elements);
  void forget(ir::Value v);

  /// A node whose value is made by the loops of the kernel, not in place. The lowering lives as long as the writer.
  NodeLowering& add_hero(const ir::Node& node);
  /// The body: loops over elements, or those of the heroes, which are several reductions at most, side by side.
  void write();
  /// Stores of results at an index. `shape`: of those that are stored; empty: all have one.
  std::vector<ir::loops::StmtPtr> stores_at(std::span<const ir::loops::Expr> index,
                                            std::span<const ir::Dim> shape = {});

 private:
  using Key = std::pair<uint32_t, uint32_t>;
  static Key key(ir::Value v) { return {v.node->id, v.index}; }
  const ir::loops::Buffer* buffer_of(ir::Value v) const;

  ir::loops::Kernel& kernel_;
  ir::loops::LoopContext& c_;
  std::map<Key, const ir::loops::Buffer*> inputs_;
  std::vector<std::pair<ir::Value, const ir::loops::Buffer*>> outputs_;
  std::map<uint32_t, std::unique_ptr<NodeLowering>> lowerings_;
  std::map<Key, ir::ElementFn> known_;  ///< set_elements()
  /// By value and index: what was written out already.
  std::map<std::pair<Key, std::vector<ir::loops::Expr>>, ir::loops::Expr> written_;
  std::vector<NodeLowering*> heroes_;
};

}  // namespace strata::compiler
