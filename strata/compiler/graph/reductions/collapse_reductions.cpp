#include "strata/compiler/graph/reductions/collapse_reductions.h"

#include "strata/compiler/graph/apply_rules.h"
#include "strata/compiler/lower/rows.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/contraction/product_nodes.h"
#include "strata/ops/reduce/short_fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Node;
using ir::Value;
using ops::Ints;

namespace {

bool is_in_memory(Value v) {
  const ir::Op* op = v.node->op;
  return !op || ops::is_dot(*v.node) || op == &ops::kConv || op == &ops::kReshape;
}

Value collapse(const Node& n) {
  if (!ops::is_reduction_over_axes(n) || !is_in_memory(n.operand(0))) return {};
  const auto axes = n.attrs.ints("axes");
  const Value x = n.operand(0);
  // Trailing axes are counted through as one anyway, and rows of the same shape may share a kernel (rows.h).
  if (rows_reduced_by(n)) return {};
  ir::Shape shape;
  Ints joined;
  for (int64_t a = 0; a < x.rank(); ++a) {
    const bool is_folded = ops::has_axis(axes, a);
    if (is_folded && a > 0 && ops::has_axis(axes, a - 1)) {
      shape.back() = shape.back() * x.shape()[a];
      continue;
    }
    if (is_folded) joined.push_back(std::ssize(shape));
    shape.push_back(x.shape()[a]);
  }
  if (joined.size() == axes.size()) return {};
  const Value memory = x.node->op == &ops::kReshape ? x.node->operand(0) : x;  // two reshapes would be one
  return n.graph->add1(*n.op, {ops::reshape(memory, shape)}, {ir::Attr("axes", std::span<const int64_t>(joined))});
}

constexpr NodeRule kRules[] = {collapse};

}  // namespace

std::unique_ptr<ir::Graph> collapse_reductions(const ir::Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
