#include "strata/compiler/graph/hoist_reshapes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "strata/compiler/graph/apply_rules.h"
#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::GraphCopier;
using ir::Node;
using ir::Value;

namespace {

/// Runs of axes that a reshape maps onto each other: from [first, last) to [to_first, to_last), each of equal product.
struct AxisGroup {
  int first, last, to_first, to_last;
};

/// The finest groups, or nothing if the shapes don't fall apart. Axes of extent 1 at the end join the last group.
std::optional<std::vector<AxisGroup>> groups_of(std::span<const Dim> from, std::span<const Dim> to) {
  std::vector<AxisGroup> groups;
  int i = 0, j = 0;
  const int n = from.size(), m = to.size();
  while (i < n && j < m) {
    std::optional<AxisGroup> found;
    for (int size = 2; !found && size <= n - i + m - j; ++size)
      for (int a = 1; !found && a < size; ++a) {
        const int b = size - a;
        if (a > n - i || b > m - j) continue;
        if (ir::product(from.subspan(i, a)) == ir::product(to.subspan(j, b))) found = AxisGroup{i, i + a, j, j + b};
      }
    if (!found) return std::nullopt;
    i = found->last;
    j = found->to_last;
    groups.push_back(*found);
  }
  for (; i < n; ++i)
    if (from[i] != Dim(1)) return std::nullopt;
  for (; j < m; ++j)
    if (to[j] != Dim(1)) return std::nullopt;
  return groups;
}

/// The axes of a broadcast that gives the reshaped shape directly: each group of result axes is either repeated as a
/// whole or taken over from the operand axis by axis.
std::optional<std::vector<int64_t>> reshaped_axes(const Node& broadcast, std::span<const Dim> to) {
  const auto axes = broadcast.attrs.ints("axes");
  const auto groups = groups_of(broadcast.type().shape(), to);
  if (!groups) return std::nullopt;
  std::vector<int64_t> result;
  for (const AxisGroup& g : *groups) {
    int taken = 0;
    for (int a = g.first; a < g.last; ++a) taken += std::ranges::find(axes, a) != axes.end();
    if (taken == 0) continue;
    if (g.last - g.first != 1 || g.to_last - g.to_first != 1) return std::nullopt;
    result.push_back(g.to_first);
  }
  return result.size() == axes.size() ? std::optional(result) : std::nullopt;
}

/// The pointwise nodes above one reshape that nothing outside of them reads.
class Chain {
 public:
  Chain(const Node& reshape, const std::vector<std::vector<uint32_t>>& uses) : to_(reshape.type().shape()) {
    // Latest first: when a node's turn comes, all its users in the chain have been counted.
    std::map<uint32_t, std::pair<const Node*, uint32_t>, std::greater<>> open;
    open[reshape.operand(0).node->id] = {reshape.operand(0).node, 1};
    while (!open.empty()) {
      const auto [node, count] = open.begin()->second;
      open.erase(open.begin());
      if (!is_pointwise(*node) || uses[node->id][0] != count) {
        ends_.push_back(node);
        continue;
      }
      members_.insert(node);
      for (const Value& v : node->operands()) {
        auto& entry = open[v.node->id];
        entry = {v.node, entry.second + 1};
      }
    }
  }

  /// Whether something is won, and every value at the chain's upper end takes the new shape without being copied.
  bool can_reshape() const {
    const bool is_only_broadcast = members_.empty() && ends_[0]->op == &ops::kBroadcast;
    if (members_.empty() && !is_only_broadcast) return false;
    return std::ranges::all_of(ends_, [&](const Node* end) {
      if (end->is_parameter() || end->op == &ops::kReshape || end->op == &ops::kConstant) return true;
      if (end->op == &ops::kBroadcast) return reshaped_axes(*end, to_).has_value();
      // Element nodes (transposes, slices, iotas) would have to be written to memory first; the others are anyway.
      const Form form = form_of(*end);
      return form == Form::Contraction || form == Form::Reduction || form == Form::Loops || form == Form::Update;
    });
  }

  Value reshaped(Value v, GraphCopier& copier) {
    const Node& node = *v.node;
    if (const auto it = done_.find(&node); it != done_.end() && v.index == 0) return it->second;
    Value result;
    if (members_.contains(&node)) {
      std::vector<Value> operands;
      for (const Value& o : node.operands()) operands.push_back(reshaped(o, copier));
      const ir::LocationScope scope(operands[0].graph(), node.where);
      result = operands[0].graph().add(*node.op, operands, node.attrs.all())->result();
    } else if (node.op == &ops::kBroadcast) {
      result = ops::broadcast(copier.get(node.operand(0)), to_, *reshaped_axes(node, to_));
    } else {
      result = ops::reshape(copier.get(v), ir::Shape(to_.begin(), to_.end()));
    }
    if (v.index == 0) done_[&node] = result;
    return result;
  }

 private:
  static bool is_pointwise(const Node& n) {
    return !n.is_parameter() && n.op->is_pointwise && n.result_count == 1 && n.op->effect == ir::Effect::None;
  }

  std::span<const Dim> to_;
  std::set<const Node*> members_;
  std::vector<const Node*> ends_;
  std::map<const Node*, Value> done_;
};

}  // namespace

namespace {

std::unique_ptr<Graph> hoisted_once(const Graph& graph, bool& changed) {
  const auto uses = use_counts(graph);
  const auto moved = rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph&) {
    if (node.op != &ops::kReshape) return false;
    Chain chain(node, uses);
    if (!chain.can_reshape()) return false;
    copier.set(node.result(), chain.reshaped(node.operand(0), copier));
    changed = true;
    return true;
  });
  return copy_graph(*moved);
}

}  // namespace

/// A reshape that went up was a use of what is above it, so another may follow. Each goes up or away: there is an end.
std::unique_ptr<Graph> hoist_reshapes(const Graph& graph) {
  bool changed = false;
  auto moved = hoisted_once(graph, changed);
  while (std::exchange(changed, false)) moved = hoisted_once(*moved, changed);
  return moved;
}

}  // namespace strata::compiler
