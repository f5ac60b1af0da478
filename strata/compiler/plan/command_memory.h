// What the commands of a program do to its arena, in bytes of one binding, before there is a plan: which values they
// read and write, where reshapes and updates share the memory of what they are made of. Results, arguments and literals
// lie outside of the arena, and count as none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strata/base/callable/function_ref.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

/// The bytes that a formula stands for.
using SizeOf = base::FunctionRef<int64_t(ir::Dim)>;

class CommandMemory {
 public:
  /// `updated`: by node id, the operand that the node updates in place; -1: none.
  CommandMemory(const ir::Graph& graph, std::span<const ir::Node* const> nodes, std::span<const int> updated,
                SizeOf size_of);

  /// A value that owns memory: its number. Several values may share one.
  int owner(ir::Value v) const { return owner_[first_[v.node->id] + v.index]; }
  int owner_count() const { return bytes_.size(); }
  int64_t bytes(int owner) const { return bytes_[owner]; }
  const ir::Node& node_of(int owner) const { return *node_of_[owner]; }
  /// Owners of arena memory that the node reads, each once, and that it is the first to write.
  std::span<const int> reads(const ir::Node& node) const { return reads_[node.id]; }
  std::span<const int> writes(const ir::Node& node) const { return writes_[node.id]; }

 private:
  void add_values(const ir::Node& node, int updated, base::FunctionRef<int64_t(ir::Type)> size_of);
  void add_reads(const ir::Node& node);

  std::vector<int> first_;  ///< by node id: its first entry of owner_
  std::vector<int> owner_;
  std::vector<int64_t> bytes_;
  std::vector<const ir::Node*> node_of_;
  std::vector<std::vector<int>> reads_, writes_;
};

}  // namespace strata::compiler
