#include "strata/compiler/graph/fold_constants.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/graph/apply_rules.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::HostArray;
using ir::Node;
using ir::Value;

namespace {

constexpr int64_t kMostElements = 64, kMostOperandElements = 4096;

/// A barrier keeps things apart on purpose, and literals are plain.
bool may_compute(const Node& n) {
  return n.op->reference && n.op->tolerance.kind == ir::Tolerance::Kind::Exact && n.regions().empty() &&
         n.op != &ops::kConstant && n.op != &ops::kBarrier && !n.type().is_encoded();
}

/// Nothing if the op refuses the operands (an index out of range): that is the run's business.
std::optional<HostArray> compute(const Node& n, std::span<const HostArray> operands) {
  Graph graph("constants");
  std::vector<Value> values;
  for (const HostArray& a : operands) values.push_back(ops::constant(graph, a));
  try {
    graph.set_results({graph.add(*n.op, values, n.attrs.all())->result()});
    return ir::interpret(graph, {})[0];
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

/// A pointwise op over splats is a splat.
Value fold_splats(const Node& n) {
  if (!may_compute(n) || !n.op->is_pointwise || n.operand_count == 0) return {};
  std::vector<HostArray> scalars;
  for (const Value& v : n.operands()) {
    auto scalar = splat_of(v);
    if (!scalar) return {};
    scalars.push_back(std::move(*scalar));
  }
  const auto value = compute(n, scalars);
  return value ? ops::broadcast_to(ops::constant(*n.graph, *value), n.type().shape()) : Value{};
}

/// Movements keep a splat a splat.
Value move_splats(const Node& n) {
  const bool moves =
      n.op == &ops::kReshape || n.op == &ops::kTranspose || n.op == &ops::kReverse || n.op == &ops::kSlice;
  if (!moves) return {};
  const auto scalar = splat_of(n.operand(0));
  return scalar ? ops::broadcast_to(ops::constant(*n.graph, *scalar), n.type().shape()) : Value{};
}

/// Small literals through anything exact. A broadcast of a literal is the short form of a large one and stays.
Value fold_small(const Node& n) {
  if (!may_compute(n) || n.op == &ops::kBroadcast || !n.type().is_static() ||
      n.type().elements().constant() > kMostElements)
    return {};
  std::vector<HostArray> arrays;
  for (const Value& v : n.operands()) {
    if (v.node->op != &ops::kConstant) return {};
    arrays.push_back(v.node->attrs.array("value"));
    if (arrays.back().elements() > kMostOperandElements) return {};
  }
  // Without operands: a dimension that is a number; an iota stays the short form that it is.
  if (arrays.empty() && (n.op != &ops::kDimension || !n.attrs.dims("value")[0].is_constant())) return {};
  const auto value = compute(n, arrays);
  return value ? ops::constant(*n.graph, *value) : Value{};
}

constexpr NodeRule kRules[] = {fold_splats, move_splats, fold_small};

}  // namespace

std::unique_ptr<Graph> fold_constants(const Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
