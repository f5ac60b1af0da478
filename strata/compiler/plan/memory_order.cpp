#include "strata/compiler/plan/memory_order.h"

#include <algorithm>
#include <optional>

#include "strata/compiler/lower/form.h"

namespace strata::compiler {
namespace {

using ir::Node;

/// What must come before what, by places in the order that is given.
struct Edges {
  std::vector<std::vector<int>> before, behind;

  Edges(std::span<const Node* const> order, const OrderRequest& request, const std::vector<bool>& waits)
      : before(order.size()), behind(order.size()) {
    std::vector<int> place(request.graph.nodes().size(), -1);
    for (size_t i = 0; i < order.size(); ++i) place[order[i]->id] = i;
    const auto add_node = [&](const Node& needed, int i) {
      if (place[needed.id] >= 0) add(place[needed.id], i);
    };
    const std::vector<std::vector<int>> arguments_of = written_arguments(request);
    std::vector<std::vector<int>> readers(request.graph.nodes().size());  // of what somebody writes over
    std::optional<int> last_failing;
    for (int i = 0; i < std::ssize(order); ++i) {
      const Node& node = *order[i];
      for (const ir::Value& v : node.operands()) add_node(*v.node, i);
      if (!request.counts.empty())
        for (const Node* count : request.counts[node.id]) add_node(*count, i);
      if (request.fails[node.id]) {
        if (last_failing) add(*last_failing, i);
        last_failing = i;
      } else if (last_failing && !waits.empty() && waits[node.id]) {
        add(*last_failing, i);
      }
      // Before this place a reader finds what stands there now.
      const int updated = request.updated[node.id];
      if (updated >= 0) add_all(readers[written_value(node.operand(updated)).node->id], i);
      for (const int argument : arguments_of[node.id]) add_all(readers[request.graph.parameters()[argument]->id], i);
      for (const ir::Value& v : node.operands()) readers[written_value(v).node->id].push_back(i);
    }
  }

 private:
  void add(int first, int second) {
    behind[first].push_back(second);
    before[second].push_back(first);
  }
  void add_all(std::span<const int> first, int second) {
    for (const int f : first)
      if (f != second) add(f, second);
  }
  /// By node id: the arguments whose memory it writes.
  static std::vector<std::vector<int>> written_arguments(const OrderRequest& request) {
    std::vector<std::vector<int>> arguments(request.graph.nodes().size());
    for (const ir::Donation& d : request.donations)
      if (const Node* writer = written_value(request.graph.results()[d.result]).node; !writer->is_parameter())
        arguments[writer->id].push_back(d.argument);
    return arguments;
  }
};

/// Goes through the nodes in their order, and takes one that can come next at once where less is held after it. To the
/// walk from the end, what a node writes is what it frees.
class Walk {
 public:
  Walk(std::span<const Node*> order, const Edges& edges, const CommandMemory& memory, bool is_from_end)
      : order_(order), edges_(edges), memory_(memory), is_from_end_(is_from_end) {}

  void run() {
    const int n = order_.size();
    holders_.resize(memory_.owner_count());
    for (int i = 0; i < n; ++i) for_each_owner(i, [&](int o) { holders_[o].push_back(i); });
    held_.resize(memory_.owner_count());
    left_.resize(memory_.owner_count());
    for (int o = 0; o < memory_.owner_count(); ++o) left_[o] = holders_[o].size();
    waits_for_.resize(n);
    for (int i = 0; i < n; ++i) waits_for_[i] = ahead(i).size();
    is_taken_.resize(n);
    for (int k = 0; k < n; ++k) {
      take(is_from_end_ ? n - 1 - k : k);
      while (!open_.empty()) {
        const int i = open_.back();
        open_.pop_back();
        if (!is_taken_[i] && waits_for_[i] == 0 && change(i) < 0) take(i);
      }
    }
    if (is_from_end_) std::ranges::reverse(taken_);
    std::vector<const Node*> result;
    for (const int i : taken_) result.push_back(order_[i]);
    std::ranges::copy(result, order_.begin());
  }

 private:
  const std::vector<int>& ahead(int i) const { return is_from_end_ ? edges_.behind[i] : edges_.before[i]; }
  const std::vector<int>& following(int i) const { return is_from_end_ ? edges_.before[i] : edges_.behind[i]; }

  template <class F>
  void for_each_owner(int i, F f) const {
    for (const int o : memory_.reads(*order_[i])) f(o);
    for (const int o : memory_.writes(*order_[i])) f(o);
  }

  /// Bytes that are held behind the node, less those before it.
  int64_t change(int i) const {
    int64_t bytes = 0;
    for_each_owner(i, [&](int o) {
      if (!held_[o]) bytes += memory_.bytes(o);
      if (left_[o] == 1) bytes -= memory_.bytes(o);
    });
    return bytes;
  }

  void take(int i) {
    if (is_taken_[i]) return;
    is_taken_[i] = true;
    taken_.push_back(i);
    for (const int next : following(i))
      if (--waits_for_[next] == 0) open_.push_back(next);
    for_each_owner(i, [&](int o) {
      held_[o] = true;
      if (--left_[o] != 1) return;
      for (const int last : holders_[o])
        if (!is_taken_[last]) open_.push_back(last);
    });
  }

  std::span<const Node*> order_;
  const Edges& edges_;
  const CommandMemory& memory_;
  bool is_from_end_;
  std::vector<std::vector<int>> holders_;  ///< by owner: the nodes that read or write it
  std::vector<bool> held_;                 ///< by owner
  std::vector<int> left_;                  ///< by owner: of its holders those that were not taken
  std::vector<int> waits_for_;             ///< by node
  std::vector<bool> is_taken_;
  std::vector<int> taken_, open_;
};

}  // namespace

void lower_memory(std::span<const Node*> order, const OrderRequest& request, const std::vector<bool>& waits,
                  const CommandMemory& memory) {
  for (const bool is_from_end : {true, false}) {
    const Edges edges(order, request, waits);
    Walk(order, edges, memory, is_from_end).run();
  }
}

}  // namespace strata::compiler
