#include "strata/transform/tangents.h"

#include <algorithm>

#include "strata/base/error/codes/transform_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/rules.h"
#include "strata/transform/regions.h"

namespace strata::transform {

using ir::Node;
using ir::Value;

void Tangents::set(Value primal, Value tangent) {
  if (by_node_.size() <= primal.node->id) by_node_.resize(primal.node->id + 1);
  auto& slots = by_node_[primal.node->id];
  if (slots.size() <= primal.index) slots.resize(primal.node->result_count);
  slots[primal.index] = tangent;
}

Value Tangents::find(Value primal) const {
  if (by_node_.size() <= primal.node->id) return {};
  const auto& slots = by_node_[primal.node->id];
  return primal.index < slots.size() ? slots[primal.index] : Value{};
}

namespace {

/// Whether the rule multiplies by a function of the operands: in half floats that rounds at each step, from a result
/// that is rounded already (1 - tanh(x)^2 is 0 in bf16 from 3 on).
bool rounds_inside(const Node& node) {
  if (!node.op->is_smooth || !node.op->is_pointwise || !ir::is_half_float(node.type().dtype())) return false;
  return !node.op->transpose || node.op == &ops::kDiv;
}

}  // namespace

Value Tangents::in_f32(const Node& node, std::span<const Value> tangents) {
  auto wide = [](Value v) { return v ? ops::cast(v, ir::DType::f32) : v; };
  std::vector<Value> operands, wide_tangents;
  for (const Value& v : node.operands()) operands.push_back(wide(v));
  for (const Value& t : tangents) wide_tangents.push_back(wide(t));
  ir::Jvp rule(*graph_.add(*node.op, operands, node.attrs.all()), wide_tangents);
  node.op->jvp.fn(rule);
  return ops::cast(rule.results()[0], node.type().dtype());
}

void Tangents::push_through(const Node& node) {
  std::vector<Value> tangents;
  for (const Value& v : node.operands()) tangents.push_back(is_float(v.dtype()) ? find(v) : Value{});
  if (std::none_of(tangents.begin(), tangents.end(), [](const Value& t) { return static_cast<bool>(t); })) return;
  if (!node.op->jvp)
    throw base::Error(base::code::kNoDerivative, std::string(node.op->name) + ": has no derivative: " +
                                                     (node.op->jvp.reason ? node.op->jvp.reason : "no rule"))
        .note("recorded at " + node.where.str());
  const ir::LocationScope scope(graph_, node.where);
  if (rounds_inside(node)) return set(node.result(), in_f32(node, tangents));
  ir::Jvp rule(node, tangents);
  rule.jvp_region = jvp_region;
  node.op->jvp.fn(rule);
  for (uint32_t i = 0; i < node.result_count; ++i)
    if (const Value t = rule.results()[i]) set(node.result(i), t);
}

}  // namespace strata::transform
