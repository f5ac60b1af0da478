#include "strata/ops/control/stacked_sums.h"

#include <algorithm>

#include "strata/ir/graph/rewrite.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

Ints behind_steps(std::span<const int64_t> axes) {
  Ints shifted;
  for (int64_t a : axes) shifted.push_back(a + 1);
  return shifted;
}

Ints with_steps(std::span<const int64_t> axes) {
  Ints all = behind_steps(axes);
  all.insert(all.begin(), 0);
  return all;
}

/// Which parameter of its graph a value is; -1: none.
int parameter_of(const Graph& graph, Value v) {
  for (size_t p = 0; p < graph.parameters().size(); ++p)
    if (graph.parameters()[p] == v.node) return p;
  return -1;
}

}  // namespace

StackedSums::StackedSums(const Graph& step, size_t constants, const std::function<Place(size_t)>& place)
    : step_(&step), sums_(constants) {
  const auto is_effect = [](const Node* n) { return !n->is_parameter() && n->op->effect != ir::Effect::None; };
  if (std::ranges::any_of(step.nodes(), is_effect)) return;  // a step with effects stays whole
  for (size_t i = 0; i < constants; ++i) {
    Value v = step.results()[i];
    std::vector<Ints> moves;
    for (; !v.node->is_parameter() && v.node->op == &kTranspose; v = v.node->operand(0)) {
      const auto perm = v.node->attrs.ints("perm");
      moves.emplace_back(perm.begin(), perm.end());
    }
    if (v.node->is_parameter() || v.node->op != &kDot || !reads_steps(*v.node, place)) continue;
    if (sides_outgrow_sum(*v.node, place)) continue;
    sums_[i] = {v.node, std::move(moves)};
    for (const Value& side : v.node->operands()) hand_out(side, place);
  }
  for (size_t i = 0; i < constants; ++i) {
    const Value v = step.results()[i];
    const bool is_sum = !v.node->is_parameter() && v.node->op == &kReduceSum;
    if (is_sum && std::ranges::find(handed_out_, v.node->operand(0)) != handed_out_.end()) sums_[i] = {v.node, {}};
  }
}

bool StackedSums::reads_steps(const Node& node, const std::function<Place(size_t)>& place) const {
  return std::ranges::all_of(node.operands(), [&](Value v) {
    const int parameter = parameter_of(*step_, v);
    return parameter < 0 || place(parameter) != Place::Constant;
  });
}

bool StackedSums::sides_outgrow_sum(const Node& dot, const std::function<Place(size_t)>& place) const {
  Dim more = 0;
  for (const Value& side : dot.operands()) {
    const int parameter = parameter_of(*step_, side);
    if (parameter < 0 || place(parameter) != Place::Stacked) more = more + ir::product(side.type().shape());
  }
  const Dim sum = ir::product(dot.type().shape());
  return more.is_constant() && sum.is_constant() && more.constant() > sum.constant();
}

void StackedSums::hand_out(Value v, const std::function<Place(size_t)>& place) {
  const int parameter = parameter_of(*step_, v);
  if (parameter >= 0 && place(parameter) == Place::Stacked) return;
  if (std::ranges::find(handed_out_, v) == handed_out_.end()) handed_out_.push_back(v);
}

std::vector<Value> StackedSums::inline_step(Graph& to, std::span<const Value> arguments) const {
  if (handed_out_.empty() && std::ranges::none_of(sums_, [](const Sum& s) { return s.node != nullptr; }))
    return ir::inline_graph(*step_, to, arguments);
  std::vector<Value> wanted;
  for (size_t r = 0; r < step_->results().size(); ++r)
    if (!has(r)) wanted.push_back(step_->results()[r]);
  wanted.insert(wanted.end(), handed_out_.begin(), handed_out_.end());
  return inline_needed(*step_, to, arguments, wanted);
}

Value StackedSums::over_steps(Value v, std::span<const Value> residuals, std::span<const Value> stacked) const {
  const auto at = std::ranges::find(handed_out_, v);
  if (at != handed_out_.end()) return stacked[at - handed_out_.begin()];
  return residuals[parameter_of(*step_, v)];
}

Value StackedSums::sum(size_t position, std::span<const Value> residuals, std::span<const Value> stacked,
                       DType dtype) const {
  const auto& [node, moves] = sums_[position];
  const Value first = over_steps(node->operand(0), residuals, stacked);
  if (node->op == &kReduceSum) return reduce_sum(cast(first, dtype), with_steps(node->attrs.ints("axes")));
  const ir::Attrs a = node->attrs;
  const DotAxes axes{with_steps(a.ints("lhs_contract")), with_steps(a.ints("rhs_contract")),
                     behind_steps(a.ints("lhs_batch")), behind_steps(a.ints("rhs_batch"))};
  Value sum = dot(first, over_steps(node->operand(1), residuals, stacked), axes, dtype);
  for (size_t m = moves.size(); m-- > 0;) sum = transpose(sum, moves[m]);
  return sum;
}

}  // namespace strata::ops
