#include "strata/compiler/plan/command_memory.h"

#include <algorithm>
#include <unordered_map>

#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/creation/creation.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;

CommandMemory::CommandMemory(const ir::Graph& graph, std::span<const Node* const> nodes, std::span<const int> updated,
                             SizeOf size_of)
    : first_(graph.nodes().size(), -1), reads_(graph.nodes().size()), writes_(graph.nodes().size()) {
  std::unordered_map<base::Hash128, int64_t, base::Hash128Hasher> known;  // types repeat
  const auto size_of_type = [&](ir::Type type) {
    const auto [at, is_new] = known.try_emplace(type.hash());
    if (is_new) at->second = size_of(type.bytes());
    return at->second;
  };
  for (const Node* p : graph.parameters()) add_values(*p, -1, size_of_type);
  for (const Node* n : nodes) {
    add_values(*n, updated[n->id], size_of_type);
    add_reads(*n);
  }
  for (const Value& r : graph.results()) bytes_[owner(r)] = 0;
  const auto is_outside = [&](int o) { return bytes_[o] == 0; };
  for (const Node* n : nodes) {
    std::erase_if(reads_[n->id], is_outside);
    std::erase_if(writes_[n->id], is_outside);
  }
}

void CommandMemory::add_values(const Node& node, int updated, base::FunctionRef<int64_t(ir::Type)> size_of) {
  first_[node.id] = owner_.size();
  const bool is_outside = node.is_parameter() || node.op == &ops::kConstant;
  if (!is_outside && written_value(node.result()).node != &node) {
    owner_.push_back(owner(node.operand(0)));
    return;
  }
  for (uint32_t i = 0; i < node.result_count; ++i) {
    if (i == 0 && updated >= 0) {
      owner_.push_back(owner(node.operand(updated)));
      continue;
    }
    owner_.push_back(bytes_.size());
    bytes_.push_back(is_outside ? 0 : size_of(node.type(i)));
    node_of_.push_back(&node);
    writes_[node.id].push_back(owner_.back());
  }
}

void CommandMemory::add_reads(const Node& node) {
  std::vector<int>& reads = reads_[node.id];
  for (const Value& v : node.operands()) {
    const int o = owner(v);
    if (std::ranges::find(reads, o) == reads.end()) reads.push_back(o);
  }
}

}  // namespace strata::compiler
