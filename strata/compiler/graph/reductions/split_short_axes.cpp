#include "strata/compiler/graph/reductions/split_short_axes.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "strata/compiler/graph/apply_rules.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/short_fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;
using ops::Ints;

namespace {

constexpr int64_t kLongestShortAxis = 4;
/// Smaller values cost less than the kernels that copy components out.
constexpr int64_t kFewestElements = 1 << 16;
/// A tree of more nodes is not taken apart: each stands in every component.
constexpr size_t kMostNodes = 64;

bool is_repeating(const Node& node) {
  return node.op == &ops::kBroadcast && node.operand(0).rank() < node.type().rank();
}

/// A value that is made by element ops of repeated smaller arrays, and its components along the last axis.
class Repeated {
 public:
  explicit Repeated(Value value) : value_(value), is_fit_(value.rank() >= 2 && is_large(value) && fits(value)) {}

  bool is_fit() const { return is_fit_; }
  Value component(int64_t k) { return component(value_, k); }

 private:
  using Key = std::pair<std::pair<uint32_t, uint32_t>, int64_t>;

  static bool is_large(Value v) {
    const Dim elements = ir::product(v.shape());
    return !elements.is_constant() || elements.constant() >= kFewestElements;  // of an unknown size, it may be
  }

  bool fits(Value v) {
    if (const auto at = known_.find(v.node); at != known_.end()) return at->second;
    const Node& node = *v.node;
    bool is_fit = !node.is_parameter() && known_.size() < kMostNodes && node.result_count == 1;
    known_[v.node] = false;  // counted before what it reads: a long chain ends here
    if (is_fit && !is_repeating(node))
      is_fit = node.op->is_pointwise && node.op->effect == ir::Effect::None && node.operand_count > 0 &&
               std::ranges::all_of(node.operands(), [&](Value x) { return fits(x); });
    return known_[v.node] = is_fit;
  }

  /// With the last axis taken away, at position k of it.
  Value component(Value v, int64_t k) {
    const Key key{{v.node->id, v.index}, k};
    if (const auto at = components_.find(key); at != components_.end()) return at->second;
    const Node& node = *v.node;
    Value made;
    if (is_repeating(node)) {
      made = of_repeated(node, k);
    } else {
      std::vector<Value> operands;
      for (Value x : node.operands()) operands.push_back(component(x, k));
      made = node.graph->add(*node.op, operands, node.attrs.all(), {})->result();
    }
    return components_[key] = made;
  }

  static Value of_repeated(const Node& node, int64_t k) {
    const auto axes = node.attrs.ints("axes");
    Ints rest(axes.begin(), axes.end());
    Value small = node.operand(0);
    if (!rest.empty() && rest.back() == node.type().rank() - 1) {
      rest.pop_back();
      const bool is_one = small.type().dim(-1) == Dim(1);
      small = ops::squeeze(ops::slice_axis(small, -1, {is_one ? 0 : k, (is_one ? 0 : k) + 1}), -1);
    }
    const Shape shape(node.type().shape().begin(), node.type().shape().end() - 1);
    return ops::broadcast(small, shape, rest);
  }

  Value value_;
  std::map<const Node*, bool> known_;
  std::map<Key, Value> components_;
  bool is_fit_;
};

/// The length of a value's last axis, if it is one that is taken apart; else 0.
int64_t short_axis(Value v) {
  const Dim last = v.rank() >= 2 ? v.type().dim(-1) : Dim(0);
  return last.is_constant() && last.constant() >= 2 && last.constant() <= kLongestShortAxis ? last.constant() : 0;
}

/// A fold of the short axis alone: its kernel writes the terms out (ops/reduce/short_fold.h), and reads a component for
/// each.
Value fold_of_components(const Node& n) {
  if (!ops::is_reduction_over_axes(n)) return {};
  const Value x = n.operand(0);
  const int64_t length = short_axis(x);
  const auto axes = n.attrs.ints("axes");
  if (length == 0 || axes.size() != 1 || axes[0] != x.rank() - 1) return {};
  Repeated repeated(x);
  if (!repeated.is_fit()) return {};
  const ir::LocationScope scope(*n.graph, n.where);
  Shape shape(x.shape().begin(), x.shape().end());
  shape.back() = Dim(1);
  Ints as_it_is(x.rank() - 1);
  std::iota(as_it_is.begin(), as_it_is.end(), 0);
  std::vector<Value> terms;
  for (int64_t k = 0; k < length; ++k) terms.push_back(ops::broadcast(repeated.component(k), shape, as_it_is));
  return n.graph->add1(*n.op, {ops::concat(terms, -1)}, {ir::Attr("axes", axes)});
}

/// A reduction of other axes, which keeps the short one.
Value stack_of_reductions(const Node& n) {
  if (!ops::is_reduction_over_axes(n) || ops::terms_written_out(n) > 0) return {};
  const Value x = n.operand(0);
  const int64_t length = short_axis(x);
  const auto axes = n.attrs.ints("axes");
  if (length == 0 || axes.empty() || ops::has_axis(axes, x.rank() - 1)) return {};
  Repeated repeated(x);
  if (!repeated.is_fit()) return {};
  const ir::LocationScope scope(*n.graph, n.where);
  // The reduced axes in front: the last one has another order of terms.
  Ints perm(axes.begin(), axes.end()), front(axes.size());
  for (int64_t a = 0; a + 1 < x.rank(); ++a)
    if (!ops::has_axis(axes, a)) perm.push_back(a);
  if (perm.size() == front.size()) return {};
  for (size_t a = 0; a < front.size(); ++a) front[a] = static_cast<int64_t>(a);
  std::vector<Value> parts;
  for (int64_t k = 0; k < length; ++k)
    parts.push_back(n.graph->add1(*n.op, {ops::transpose(repeated.component(k), perm)},
                                  {ir::Attr("axes", std::span<const int64_t>(front))}));
  return ops::stack(parts, -1);
}

constexpr NodeRule kRules[] = {fold_of_components, stack_of_reductions};

}  // namespace

std::unique_ptr<ir::Graph> split_short_axes(const ir::Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
