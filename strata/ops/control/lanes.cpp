#include "strata/ops/control/lanes.h"

#include <algorithm>
#include <optional>

#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/control/value_checks.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// The number of the first lane that takes part, or the number of lanes. The one behind the last is added so that the
/// smallest of an empty batch exists, too.
Value first_lane(Value takes_part) {
  Graph& graph = takes_part.graph();
  const Value size = dimension(graph, takes_part.type().dim(0));
  const Value number = iota_like(takes_part, DType::i64, 0);
  const Value candidates = select(takes_part, number, broadcast_to(size, number.shape()));
  return reduce_min(concat({candidates, reshape(size, {1})}, 0), {0});
}

template <class Predicate>
bool any_node(const Graph& region, const Predicate& holds) {
  for (const Node* node : region.nodes()) {
    if (node->is_parameter()) continue;
    if (holds(*node)) return true;
    for (const GraphRef& inner : node->regions())
      if (any_node(*inner, holds)) return true;
  }
  return false;
}

bool is_effect(const Node& node) { return node.op->effect != ir::Effect::None; }

/// What shows, fails or does not end on operands that nobody vouches for.
bool must_not_idle(const Node& node) { return node.op == &kWhile || has_value_check(node); }

/// A node whose regions are told of the lane. Loops have it among their constants, the others behind all operands.
void add_with_lane(const Node& node, Value lane, ir::GraphCopier& copier, Graph& to) {
  std::vector<Attr> attrs(node.attrs.all().begin(), node.attrs.all().end());
  std::vector<Value> operands = copier.get(node.operands());
  std::optional<size_t> constants;
  if (node.op == &kWhile || node.op == &kScan)
    for (Attr& a : attrs)
      if (a.name == "constants") constants = a.integer++;
  operands.insert(operands.begin() + constants.value_or(operands.size()), lane);
  std::vector<GraphRef> regions;
  for (const GraphRef& region : node.regions())
    regions.push_back(with_lane(*region, constants.value_or(region->parameters().size())));
  const Node* image = to.add(*node.op, operands, attrs, regions);
  for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), image->result(i));
}

/// The effect for the lane, and for those that it had already.
void add_effect(const Node& node, Value lane, const ir::GraphCopier& copier, Graph& to) {
  std::vector<Value> operands = copier.get(node.operands());
  if (operands.size() == 1)
    operands.push_back(lane);
  else
    operands[1] = operands[1] & broadcast_to(lane, operands[1].shape());
  to.add(*node.op, operands, node.attrs.all());
}

}  // namespace

Lanes::Lanes(Value takes_part)
    : takes_part_(takes_part), some_(reduce_or(takes_part, {0})), first_(first_lane(takes_part)) {}

Value Lanes::given(Value x) const {
  const Value one = take(stop_gradient(x), first_, 0, OutOfRange::Fill);
  const Value instead = broadcast(one, x.shape(), iota_ints(1, one.rank()));
  return select(broadcast(takes_part_, x.shape(), ints_span({0})), x, instead);
}

Value Lanes::given_shared(Value x) const {
  return ir::is_float(x.dtype()) ? select(broadcast_to(some_, x.shape()), x, stop_gradient(x)) : x;
}

GraphRef with_lane(const Graph& region, size_t position) {
  auto result = std::make_shared<Graph>(region.name());
  for (const ir::SymbolFact& fact : region.facts().all()) result->facts().add(fact);
  ir::GraphCopier copier(region, *result);
  Value lane;
  for (size_t i = 0; i <= region.parameters().size(); ++i) {
    if (i == position) lane = result->add_parameter(Type::scalar(DType::boolean), "lane");
    if (i == region.parameters().size()) break;
    const int k = i;
    copier.set(region.parameter(k), result->add_parameter(region.parameters()[i]->type(), region.parameter_name(k)));
  }
  for (const Node* node : region.nodes()) {
    if (node->is_parameter()) continue;
    const ir::LocationScope scope(*result, node->where);
    // The tangent of a custom function has a backward rule with parameters of its own, and no effects of the program's.
    const bool is_told =
        node->op != &kCustomVjpTangent &&
        std::any_of(node->regions().begin(), node->regions().end(), [](const GraphRef& r) { return has_effects(*r); });
    if (is_effect(*node))
      add_effect(*node, lane, copier, *result);
    else if (is_told)
      add_with_lane(*node, lane, copier, *result);
    else
      copier.copy(*node);
  }
  copier.copy_results();
  return result;
}

std::vector<Value> run_in_lanes(ir::Vmap& v, const Graph& region, int first_operand, const Lanes& lanes) {
  const size_t count = region.parameters().size();
  const bool may_idle = !any_node(region, must_not_idle);
  Flags is_batched(count + 1, true);  // the last one is whether the lane takes part
  std::vector<Value> operands;
  for (size_t i = 0; i < count; ++i) {
    const int k = first_operand + i;
    is_batched[i] = v.is_batched(k);
    const Value x = v.operand(k);
    operands.push_back(is_batched[i] ? lanes.given(x) : may_idle ? lanes.given_shared(x) : x);
  }
  operands.push_back(lanes.takes_part());
  const GraphRef batched = v.vmap_region(*with_lane(region, count), is_batched.view());
  if (may_idle) {
    const GraphRef regions[] = {batched};
    return results_of(*v.graph.add(kCall, operands, {}, regions));
  }
  const GraphRef nothing = make_region("nobody", types_of(operands), [&](Graph& g, const std::vector<Value>&) {
    std::vector<Value> zeros;
    for (Type t : result_types(*batched)) zeros.push_back(full(g, t, 0));
    return zeros;
  });
  operands.insert(operands.begin(), lanes.some());
  const GraphRef regions[] = {batched, nothing};
  return results_of(*v.graph.add(kCond, operands, {}, regions));
}

std::vector<bool> dependent_results(const Graph& region, std::span<const bool> is_marked) {
  std::vector<bool> depends(region.nodes().size());
  for (size_t p = 0; p < is_marked.size(); ++p) depends[region.parameters()[p]->id] = is_marked[p];
  for (const Node* n : region.nodes())
    for (const Value& v : n->operands()) depends[n->id] = depends[n->id] || depends[v.node->id];
  std::vector<bool> results;
  for (const Value& v : region.results()) results.push_back(depends[v.node->id]);
  return results;
}

bool has_effects(const Graph& region) { return any_node(region, is_effect); }

}  // namespace strata::ops
