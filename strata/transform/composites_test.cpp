// Transforms of composites are those of their bodies: expanding before and expanding after give the same program, node
// for node, so the same bits and the same kernels.
#include <gtest/gtest.h>

#include <set>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/transform/gradient.h"
#include "strata/transform/vmap.h"

namespace strata::transform {
namespace {

using ir::DType;
using ir::Graph;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

constexpr int kWrt[] = {0};

Value block(Value x) {
  const Value y = ops::layer_norm(x, Value{}, Value{});
  const Value heads = ops::reshape(y, {1, 1, 4, 6});
  const Value mixed = ops::attention(heads, heads, heads, Value{}, {.is_causal = true});
  return ops::gelu_tanh(ops::reshape(mixed, {4, 6}) + x) + ops::softmax(x, 1) * x;
}

/// f(x [4, 6]) -> scalar, by `fill`.
std::unique_ptr<Graph> scalar_program(const std::function<Value(Value)>& fill) {
  auto graph = std::make_unique<Graph>("f");
  graph->set_results({ops::reduce_sum(fill(graph->add_parameter(Type::of(DType::f64, {4, 6}))), {0, 1})});
  return graph;
}

std::unique_ptr<Graph> gradient_of_sum(const Graph& graph) {
  auto result = value_and_grad(graph, kWrt);
  const Value g = result->results()[1];
  result->set_results({ops::reduce_sum(g * g, {0, 1})});
  return result;
}

std::unique_ptr<Graph> tangent_of(const Graph& graph) {
  auto result = ir::copy_graph(graph);
  const Value x = result->parameter(0), y = result->results()[0], t = result->add_parameter(x.type());
  result->set_results(append_jvp(*result, {&y, 1}, {&x, 1}, {&t, 1}));
  return result;
}

template <class F>
void expect_same(const Graph& graph, F&& transform) {
  const auto expanded_first = transform(*ops::expand_composites(graph));
  const auto expanded_last = ops::expand_composites(*transform(graph));
  // A derivative may be a composite of its own (attention's): custom_vjp holds it as it was recorded.
  EXPECT_EQ(ops::expand_composites(*expanded_first)->hash(), expanded_last->hash());
}

TEST(Composites, HaveTheGradientsOfTheirBodies) {
  const auto graph = scalar_program(block);
  expect_same(*graph, [](const Graph& g) { return value_and_grad(g, kWrt); });
}

TEST(Composites, HaveTheTangentsOfTheirBodies) { expect_same(*scalar_program(block), tangent_of); }

TEST(Composites, HaveTheSecondDerivativesOfTheirBodies) {
  expect_same(*scalar_program(block), [](const Graph& g) { return value_and_grad(*gradient_of_sum(g), kWrt); });
  expect_same(*scalar_program(block), [](const Graph& g) { return tangent_of(*gradient_of_sum(g)); });
}

TEST(Composites, HaveTheBatchesOfTheirBodies) {
  expect_same(*scalar_program(block), [](const Graph& g) {
    const bool batched[] = {true};
    return vmap(g, batched, 3);
  });
}

TEST(Composites, AreKeptWhereNothingIsBatched) {
  const auto graph = scalar_program([](Value x) { return ops::softmax(x, 1); });
  const bool batched[] = {false};
  const auto mapped = vmap(*graph, batched, 3);
  EXPECT_TRUE(std::any_of(mapped->nodes().begin(), mapped->nodes().end(),
                          [](const ir::Node* n) { return !n->is_parameter() && ops::is_composite(*n); }));
}

/// What `block` records, written without composites.
Value flat_block(Value x) {
  Graph graph("block");
  graph.set_results({block(graph.add_parameter(x.type()))});
  return ir::inline_graph(*ops::expand_composites(graph), x.graph(), {&x, 1})[0];
}

using Block = Value (*)(Value);

Value checkpointed(Value x, Block f) {
  const Type types[] = {x.type()};
  const auto region = ops::make_region("body", types, [&](Graph&, const Values& p) { return Values{f(p[0])}; });
  return ops::checkpoint(x.graph(), region, {&x, 1})[0];
}

Value repeated(Value x, Block f) {
  return ops::scan({.constants = {}, .carries = {x}, .xs = {}}, 3,
                   [&](Graph&, const Values& p) { return Values{f(p[0])}; })
      .carries[0];
}

void expect_same_gradient(const std::function<Value(Value, Block)>& around) {
  ir::HostArray x(DType::f64, {4, 6});
  for (int64_t i = 0; i < 24; ++i) x.set(i, 0.37 * static_cast<double>(i % 11) - 1.5);
  auto gradient = [&](Block f) {
    return ir::interpret(*value_and_grad(*scalar_program([&](Value v) { return around(v, f); }), kWrt),
                         std::vector{x})[1];
  };
  const ir::HostArray named = gradient(block), flat = gradient(flat_block);
  for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(named.get(i), flat.get(i)) << i;
}

TEST(Composites, WithinACheckpointHaveTheGradientsOfTheirBodies) { expect_same_gradient(checkpointed); }
TEST(Composites, WithinALoopHaveTheGradientsOfTheirBodies) { expect_same_gradient(repeated); }

TEST(Composites, ASecondDerivativeGoesThroughEachBodyOnce) {
  const auto graph = scalar_program([](Value x) { return ops::softmax(x, 1) * x; });
  const auto twice = [](const Graph& g) { return value_and_grad(*gradient_of_sum(g), kWrt); };
  auto different_nodes = [](const Graph& g) {
    std::set<std::pair<uint64_t, uint64_t>> seen;
    for (const ir::Node* n : g.nodes()) seen.emplace(n->hash.lo, n->hash.hi);
    return seen.size();
  };
  EXPECT_EQ(different_nodes(*ops::expand_composites(*twice(*graph))),
            different_nodes(*twice(*ops::expand_composites(*graph))));
}

}  // namespace
}  // namespace strata::transform
