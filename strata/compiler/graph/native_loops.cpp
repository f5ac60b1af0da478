#include "strata/compiler/graph/native_loops.h"

#include <algorithm>

#include "strata/compiler/graph/region_passes.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/pointwise_loop.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {

using ir::Graph;
using ir::GraphCopier;
using ir::GraphRef;
using ir::Node;
using ir::Value;

namespace {

/// Steps of a while between two looks of the executor: some microseconds.
constexpr int64_t kWhileSteps = 64;

bool is_loop(const Node& node) { return node.op == &ops::kScan || node.op == &ops::kCond; }

/// Whether a closer look is worth its passes.
bool may_be_pointwise(const Graph& region) {
  const std::vector<bool> live = ir::live_nodes(region);
  return std::ranges::all_of(region.nodes(), [&](const Node* node) {
    if (node->is_parameter() || !live[node->id]) return true;
    if (is_loop(*node))
      return std::ranges::all_of(node->regions(), [](const GraphRef& r) { return may_be_pointwise(*r); });
    const Form form = node->op->effect == ir::Effect::None ? form_of(*node) : Form::Command;
    return form == Form::Element || form == Form::Alias;
  });
}

/// The node with its regions as a kernel would have them, alone in a graph; null if it is no such loop.
GraphRef as_kernel(const Node& node, const PassContext& context) {
  if (!std::ranges::all_of(node.regions(), [](const GraphRef& r) { return may_be_pointwise(*r); })) return nullptr;
  std::vector<GraphRef> regions;
  for (const GraphRef& region : node.regions()) regions.push_back(ready_for_lowering(region, context));
  auto kernel = std::make_shared<Graph>("fusion");
  for (const ir::SymbolFact& fact : node.graph->facts().all()) kernel->facts().add(fact);
  const ir::LocationScope scope(*kernel, node.where);
  std::vector<Value> operands;
  for (const Value& v : node.operands()) operands.push_back(kernel->add_parameter(v.type()));
  const Node* loop = kernel->add(*node.op, operands, node.attrs.all(), regions);
  if (!pointwise_loop_refusal(*loop).empty()) return nullptr;
  kernel->set_results(ops::results_of(*loop));
  return kernel;
}

void put_kernel(const Node& node, const GraphRef& kernel, GraphCopier& copier, Graph& to) {
  const Node* fusion = to.add(ops::kFusion, copier.get(node.operands()), {}, {&kernel, 1});
  for (uint32_t r = 0; r < node.result_count; ++r) copier.set(node.result(r), fusion->result(r));
}

/// The body of a while that goes several steps, as long as the condition holds.
GraphRef several_steps(const Node& loop) {
  const size_t constants = loop.attrs.integer("constants");
  const Graph &condition = loop.region(0), &body = loop.region(1);
  const std::vector<ir::Type> types = ops::types_of(loop.operands());
  return ops::make_region(body.name(), types, [&](Graph&, const std::vector<Value>& p) {
    const auto behind = p.begin() + constants;
    const auto step = [&](Graph& g, const std::vector<Value>& now) {
      return ops::cond(
          ir::inline_graph(condition, g, now)[0], now,
          [&](Graph& g, const std::vector<Value>& q) { return ir::inline_graph(body, g, q); },
          [&](Graph&, const std::vector<Value>& q) { return std::vector<Value>(q.begin() + constants, q.end()); });
    };
    return ops::scan({{p.begin(), behind}, {behind, p.end()}, {}}, kWhileSteps, step).carries;
  });
}

/// A while whose body is one kernel of several steps; false if it can't be.
bool put_while(const Node& node, const PassContext& context, GraphCopier& copier) {
  if (!std::ranges::all_of(node.regions(), [](const GraphRef& r) { return may_be_pointwise(*r); })) return false;
  const GraphRef steps = several_steps(node);
  const Node& scan = *steps->results()[0].node;
  const GraphRef kernel = as_kernel(scan, context);
  if (!kernel) return false;
  const GraphRef body = ops::make_region(node.region(1).name(), ops::types_of(node.operands()),
                                         [&](Graph& g, const std::vector<Value>& p) {
                                           return ops::results_of(*g.add(ops::kFusion, p, {}, {&kernel, 1}));
                                         });
  const GraphRef regions[] = {node.regions()[0], body};
  copier.copy(node, regions);
  return true;
}

}  // namespace

std::unique_ptr<Graph> native_loops(const Graph& graph, const PassContext& context) {
  return ir::rewrite_graph(graph, [&](const Node& node, GraphCopier& copier, Graph& to) {
    if (node.op == &ops::kWhile) return put_while(node, context, copier);
    if (!is_loop(node)) return false;
    const GraphRef kernel = as_kernel(node, context);
    if (kernel) put_kernel(node, kernel, copier, to);
    return kernel != nullptr;
  });
}

}  // namespace strata::compiler
