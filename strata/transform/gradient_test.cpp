// What the transforms refuse, and the edges of derivatives: nothing depends, one value twice, loops that count.
#include "strata/transform/gradient.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/trip_count.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"
#include "strata/transform/testing/numeric_checks.h"
#include "strata/transform/vmap.h"

namespace strata::transform {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

constinit const ir::Op kNoRules = {
    .name = "no_rules",
    .infer = ops::infer_same,
    .jvp = ir::refuse("it is made for this test"),
    .vmap = ir::refuse("it is made for this test"),
};

template <class F>
std::string code_of(F&& f) {
  try {
    f();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.kind(), base::ErrorKind::User) << e.text();
    return std::string(e.code());
  }
  return "no error";
}

HostArray scalar(double x) { return HostArray::scalar(DType::f64, x); }
double gradient_at(Graph& g, Value y, Value x, double at) {
  g.set_results(append_gradient(g, y, {&x, 1}));
  return ir::interpret(g, std::vector{scalar(at)})[0].get(0);
}

TEST(Gradient, OpsWithoutADerivativeAreRefusedByNameWithTheReason) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64)), y = g.add1(kNoRules, {x});
  try {
    append_gradient(g, y, {&x, 1});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0200");
    EXPECT_NE(e.text().find("no_rules: has no derivative: it is made for this test"), std::string::npos) << e.text();
  }
}

TEST(Gradient, IntegersAndArraysAreRefused) {
  Graph g;
  const Value i = g.add_parameter(Type::scalar(DType::i32)), x = g.add_parameter(Type::scalar(DType::f64)),
              v = g.add_parameter(Type::of(DType::f64, {3}));
  EXPECT_EQ(code_of([&] { append_gradient(g, x, {&i, 1}); }), "E0201");
  EXPECT_EQ(code_of([&] { append_gradient(g, i, {&x, 1}); }), "E0201");
  EXPECT_EQ(code_of([&] { append_gradient(g, v * x, {&x, 1}); }), "E0202");
}

TEST(Gradient, OfWhatDoesNotDependIsZero) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64));
  EXPECT_EQ(gradient_at(g, ops::scalar(g, DType::f64, 3.0), x, 2), 0);
  EXPECT_EQ(gradient_at(g, ops::floor(x), x, 2.5), 0);
}

TEST(Gradient, OfAValueWithRespectToItselfIsOne) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64));
  EXPECT_EQ(gradient_at(g, x, x, 2), 1);
  EXPECT_EQ(gradient_at(g, x * x + x, x, 3), 7);
}

TEST(Gradient, FlowsThroughValuesBetweenTheInputs) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64)), y = x * x, z = y * x;
  const Value wrt[] = {x, y};
  g.set_results(append_gradient(g, z, wrt));
  const auto grads = ir::interpret(g, std::vector{scalar(3)});
  EXPECT_EQ(grads[0].get(0), 9) << "y is an input of its own";
  EXPECT_EQ(grads[1].get(0), 3);
}

TEST(Vmap, OpsWithoutARuleAreRefusedByName) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64));
  g.set_results({g.add1(kNoRules, {x})});
  const bool yes[] = {true}, no[] = {false};
  EXPECT_EQ(code_of([&] { vmap(g, yes, 3); }), "E0205");
  EXPECT_NO_THROW(vmap(g, no, 3)) << "what is not batched needs no rule";
}

Value counted(Value x, Value from, Value to) {
  const auto less = [](Graph&, const Values& p) { return Values{ops::lt<Value>(p[2], p[1])}; };
  const auto body = [](Graph&, const Values& p) { return Values{p[2] + 2, p[3] * p[0]}; };
  return ops::while_loop({x, to}, {from, ops::ones_like(x)}, less, body)[1];
}

TEST(TripCount, FollowsFromConstants) {
  Graph g;
  const Value x = g.add_parameter(Type::scalar(DType::f64));
  auto literal = [&](int v) { return ops::scalar(g, DType::i32, v); };
  auto steps = [&](int from, int to) { return ops::trip_count(*counted(x, literal(from), literal(to)).node); };
  EXPECT_EQ(steps(0, 10), 5);
  EXPECT_EQ(steps(0, 9), 5);
  EXPECT_EQ(steps(3, 3), 0);
  EXPECT_EQ(ops::trip_count(*counted(x, literal(0), g.add_parameter(Type::scalar(DType::i32))).node), std::nullopt);
  EXPECT_EQ(ops::trip_count(*counted(x, literal(1), literal(INT32_MAX)).node), std::nullopt) << "too many to count";
}

TEST(TripCount, GivesWhileAReverseMode) {
  for (int steps : {0, 1, 4}) {
    Graph g;
    const Value x = g.add_parameter(Type::scalar(DType::f64));
    const Value y = counted(x, ops::scalar(g, DType::i32, 0), ops::scalar(g, DType::i32, 2 * steps));
    EXPECT_EQ(gradient_at(g, y, x, 2), steps * std::pow(2, steps - 1)) << steps;
  }
}

/// h = tanh(h w + x[t] + b) over all steps: f64.
std::shared_ptr<Graph> recurrence(Dim length, Dim batch) {
  auto g = std::make_shared<Graph>();
  const Value w = g->add_parameter(Type::of(DType::f64, {3, 3})), b = g->add_parameter(Type::of(DType::f64, {3})),
              h = g->add_parameter(Type::of(DType::f64, {batch, 3})),
              x = g->add_parameter(Type::of(DType::f64, {length, batch, 3}));
  const auto made = ops::scan({{w, b}, {h}, {x}}, length, [&](Graph&, const Values& p) {
    const Value sum = ops::matmul(p[2], ops::transpose(p[0], {1, 0})) + p[3];
    const Value next = ops::tanh(sum + ops::broadcast(p[1], sum.shape(), std::vector<int64_t>{1}));
    return Values{next, next * next};
  });
  g->set_results({made.carries[0], made.ys[0]});
  return g;
}

TEST(ScanGradient, OfAWeightIsOneProductBehindTheLoop) {
  const auto g = recurrence(6, 2);
  std::vector<HostArray> arguments;
  for (uint64_t i = 0; i < 4; ++i) {
    std::vector<int64_t> shape;
    for (Dim d : g->parameters()[i]->type().shape()) shape.push_back(d.constant());
    arguments.push_back(checks::normal_like(HostArray(DType::f64, shape), i));
  }
  checks::expect_gradient_matches_differences(*g, arguments);
  const auto backward = checks::vjp_program(*g);
  const Type weight = Type::of(DType::f64, {3, 3});
  for (const ir::Node* n : backward->nodes()) {
    if (n->op != &ops::kScan) continue;
    for (ir::Type t : n->types()) EXPECT_FALSE(t == weight);
  }
}

TEST(ScanGradient, OfAWeightOverNoStepsIsZero) {
  const auto g = recurrence(0, 2);
  const auto backward = checks::vjp_program(*g);
  const auto zeros = [](std::vector<int64_t> shape) { return HostArray(DType::f64, std::move(shape)); };
  const auto found = ir::interpret(*backward, std::vector{zeros({3, 3}), zeros({3}), zeros({2, 3}), zeros({0, 2, 3}),
                                                          zeros({2, 3}), zeros({0, 2, 3})});
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(found[0].get(i), 0);
}

}  // namespace
}  // namespace strata::transform
