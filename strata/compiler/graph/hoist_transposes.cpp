#include "strata/compiler/graph/hoist_transposes.h"

#include <algorithm>

#include "strata/compiler/graph/apply_rules.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/contraction/dot_layout.h"
#include "strata/ops/contraction/product_nodes.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;
using ops::Ints;

namespace {

Ints ints(const Node& n, std::string_view name) {
  const auto list = n.attrs.ints(name);
  return {list.begin(), list.end()};
}

/// An operand of a dot without its transpose, with its axes renamed; false if its free axes would come in another
/// order, which would need a transpose of the result. The pairs of contracted axes keep their order, so the sums keep
/// their bits.
bool absorb(Value& operand, Ints& contract, Ints& batch) {
  if (operand.node->op != &ops::kTranspose) return false;
  const Ints perm = ints(*operand.node, "perm");
  Ints free;
  for (int64_t a = 0; a < std::ssize(perm); ++a)
    if (!ops::has_axis(contract, a) && !ops::has_axis(batch, a)) free.push_back(perm[a]);
  if (!std::ranges::is_sorted(free)) return false;
  for (int64_t& a : contract) a = perm[a];
  for (int64_t& a : batch) a = perm[a];
  operand = operand.node->operand(0);
  return true;
}

Value into_dot(const Node& n) {
  if (!ops::is_dot(n)) return {};
  Value lhs = n.operand(0), rhs = n.operand(1);
  ops::DotAxes axes = ops::DotLayout(n).axes;
  const bool is_lhs_changed = absorb(lhs, axes.lhs_contract, axes.lhs_batch),
             is_rhs_changed = absorb(rhs, axes.rhs_contract, axes.rhs_batch);
  return is_lhs_changed || is_rhs_changed ? ops::add_dot(lhs, rhs, axes, n.type().dtype()) : Value{};
}

/// transpose(f(transpose(x), splat)) where the two transposes cancel: f(x, splat). One of another kind would only move.
Value through_pointwise(const Node& n) {
  if (n.op != &ops::kTranspose) return {};
  const Node& f = *n.operand(0).node;
  if (f.is_parameter() || !f.op->is_pointwise || f.result_count != 1 || f.op->effect != ir::Effect::None) return {};
  const Ints perm = ints(n, "perm");
  std::vector<Value> operands;
  bool cancels = false;
  for (const Value& v : f.operands()) {
    if (splat_of(v)) {
      operands.push_back(v);
      continue;
    }
    if (v.node->op != &ops::kTranspose) return {};
    const Ints inner = ints(*v.node, "perm");
    for (int64_t i = 0; i < std::ssize(perm); ++i)
      if (inner[perm[i]] != i) return {};
    cancels = true;
    operands.push_back(v.node->operand(0));
  }
  if (!cancels) return {};
  for (Value& v : operands)
    if (const auto scalar = splat_of(v)) v = ops::broadcast_to(ops::constant(*n.graph, *scalar), n.type().shape());
  return n.graph->add(*f.op, operands, f.attrs.all())->result();
}

constexpr NodeRule kRules[] = {into_dot, through_pointwise};

}  // namespace

std::unique_ptr<ir::Graph> hoist_transposes(const ir::Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
