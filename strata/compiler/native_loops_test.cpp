// Loops that become one kernel give the bits of loops whose steps are commands, and these what the interpreter says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

size_t kernels_in(const ir::Plan& plan, ir::CommandKind kind) {
  return std::ranges::count(plan.commands, kind, &ir::PlanCommand::kind);
}

/// With the pass, without it, and interpreted; the first two are equal bit for bit. `is_exact`: so is the third.
void expect_same(const std::shared_ptr<Graph>& graph, const std::vector<HostArray>& arguments, bool is_exact = true) {
  const auto native = compile(graph), by_steps = compile(graph, {.disabled_passes = {"native-loops"}});
  EXPECT_EQ(kernels_in(native->plan(), ir::CommandKind::Host), 0u);
  EXPECT_EQ(kernels_in(by_steps->plan(), ir::CommandKind::Host), 1u);
  const auto found = native->run(std::vector(arguments)), same = by_steps->run(std::vector(arguments));
  const auto expected = ir::interpret(*graph, arguments);
  for (size_t r = 0; r < found.size(); ++r) {
    EXPECT_TRUE(found[r].same_bits(same[r])) << r << "\n" << found[r].str() << "\n" << same[r].str();
    if (is_exact) {
      EXPECT_TRUE(found[r].same_bits(expected[r])) << r << "\n" << found[r].str() << "\n" << expected[r].str();
    }
  }
}

/// (k, a, b, x) -> a, b swapped and moved on, and what b was: reads a carry that another one has replaced.
constexpr auto swapped = [](Graph&, const Values& p) {
  return Values{p[2] * p[0], p[1] + p[3], ops::select(ops::gt(p[3], p[1]), p[2], p[1])};
};

std::shared_ptr<Graph> swapping(const std::vector<Dim>& lanes, Dim length, ops::ScanOrder order) {
  auto graph = std::make_shared<Graph>("swapping");
  const Type one = Type::of(DType::f32, lanes);
  std::vector<Dim> stacked = lanes;
  stacked.insert(stacked.begin(), length);
  const Value k = graph->add_parameter(one), a = graph->add_parameter(one), b = graph->add_parameter(one),
              x = graph->add_parameter(Type::of(DType::f32, stacked));
  const auto made = ops::scan({{k}, {a, b}, {x}}, length, swapped, order);
  graph->set_results({made.carries[0], made.carries[1], made.ys[0]});
  return graph;
}

std::vector<HostArray> arguments_of(std::vector<int64_t> lanes, int64_t length) {
  std::vector<int64_t> stacked = lanes;
  stacked.insert(stacked.begin(), length);
  std::vector<HostArray> all;
  for (uint32_t i = 0; i < 3; ++i) all.push_back(random_array(lanes, i));
  all.push_back(random_array(stacked, 9));
  const double special[] = {std::nan(""), std::numeric_limits<double>::infinity(), -0.0};
  for (int64_t i = 0; i < all[3].elements(); i += 5) all[3].set(i, special[(i / 5) % 3]);
  return all;
}

TEST(NativeLoops, ScalarsGoThroughAnyNumberOfStepsInBothOrders) {
  for (const auto order : {ops::ScanOrder::Forward, ops::ScanOrder::Reverse})
    for (const int64_t length : {0, 1, 2, 7, 614}) expect_same(swapping({}, length, order), arguments_of({}, length));
}

TEST(NativeLoops, LanesOfAnyShapeGoByThemselves) {
  for (const auto& lanes : std::vector<std::vector<int64_t>>{{1}, {17}, {3, 5}, {4096}, {0}})
    expect_same(swapping({lanes.begin(), lanes.end()}, 13, ops::ScanOrder::Reverse), arguments_of(lanes, 13));
}

TEST(NativeLoops, SizesMayBeSymbols) {
  const auto graph = swapping({Dim::symbol("B")}, Dim::symbol("T"), ops::ScanOrder::Forward);
  const auto program = compile(graph);
  for (const int64_t batch : {0, 1, 19, 700})
    for (const int64_t length : {0, 1, 11}) {
      const auto arguments = arguments_of({batch}, length);
      const auto found = program->run(std::vector(arguments)), expected = ir::interpret(*graph, arguments);
      for (size_t r = 0; r < found.size(); ++r) EXPECT_TRUE(found[r].same_bits(expected[r])) << batch << " " << length;
    }
}

TEST(NativeLoops, LoopsAndConditionsWithinTakeTheirTurns) {
  auto graph = std::make_shared<Graph>("within");
  const Type one = Type::scalar(DType::f32);
  const Value a = graph->add_parameter(one), n = graph->add_parameter(Type::scalar(DType::i32)),
              x = graph->add_parameter(Type::of(DType::f32, {29}));
  const auto inner = [](Graph&, const Values& q) { return Values{q[1] * q[0] + 0.25}; };
  const auto made = ops::scan({{}, {a, n}, {x}}, 29, [&](Graph&, const Values& p) {
    const Value looped = ops::scan({{p[2]}, {p[0]}, {}}, 3, inner).carries[0];
    const Value next = ops::cond(
        ops::gt<Value>(p[1], 10), {looped, p[0]}, [](Graph&, const Values& q) { return Values{q[0] - q[1]}; },
        [](Graph&, const Values& q) { return Values{q[1] * 0.5}; })[0];
    return Values{next, p[1] + 1, next};
  });
  graph->set_results({made.carries[0], made.carries[1], made.ys[0]});
  expect_same(graph, {random_array({}, 3), HostArray::scalar(DType::i32, 2), random_array({29}, 4)});
}

TEST(NativeLoops, WhatIsTheSameInEachStepMayBeBroadcastOverLanes) {
  auto graph = std::make_shared<Graph>("broadcast");
  const Value bias = graph->add_parameter(Type::of(DType::f32, {6})),
              start = graph->add_parameter(Type::of(DType::f32, {3, 6}));
  const auto step = [](Graph&, const Values& p) {
    return Values{p[1] * 0.5 + ops::broadcast(p[0], std::vector<Dim>{3, 6}, std::vector<int64_t>{1})};
  };
  graph->set_results({ops::scan({{bias}, {start}, {}}, 4, step).carries[0]});
  expect_same(graph, {random_array({6}, 1), random_array({3, 6}, 2)});
}

TEST(NativeLoops, AWhileOfScalarsStopsWhereItsConditionDoes) {
  auto graph = std::make_shared<Graph>("steps");
  const Value limit = graph->add_parameter(Type::scalar(DType::i64)),
              from = graph->add_parameter(Type::scalar(DType::i64)), x = graph->add_parameter(Type::scalar(DType::f32));
  graph->set_results(ops::while_loop(
      {limit}, {from, x}, [](Graph&, const Values& p) { return Values{ops::gt(p[0], p[1])}; },
      [](Graph&, const Values& p) { return Values{p[1] + 1, p[2] * 1.5 - 0.25}; }));
  const auto native = compile(graph), by_steps = compile(graph, {.disabled_passes = {"native-loops"}});
  for (const int64_t steps : {-3, 0, 1, 63, 64, 65, 128, 1000}) {
    const std::vector<HostArray> arguments = {HostArray::scalar(DType::i64, steps), HostArray::scalar(DType::i64, 0),
                                              random_array({}, 8)};
    const auto found = native->run(std::vector(arguments)), same = by_steps->run(std::vector(arguments));
    const auto expected = ir::interpret(*graph, arguments);
    for (size_t r = 0; r < found.size(); ++r) {
      EXPECT_TRUE(found[r].same_bits(same[r])) << steps;
      EXPECT_TRUE(found[r].same_bits(expected[r])) << steps;
    }
  }
}

/// A loop with products within a loop: its steps are commands.
std::shared_ptr<Graph> products(int64_t width) {
  auto graph = std::make_shared<Graph>("products");
  const Type square = Type::of(DType::f32, {width, width});
  const Value w = graph->add_parameter(square), h = graph->add_parameter(square),
              x = graph->add_parameter(Type::of(DType::f32, {5, width, width}));
  const auto inner = [](Graph&, const Values& q) { return Values{ops::matmul(q[1], q[0]) * 0.1}; };
  const auto made = ops::scan({{w}, {h}, {x}}, 5, [&](Graph&, const Values& p) {
    const Value next = ops::scan({{p[0]}, {p[1]}, {}}, 2, inner).carries[0] + p[2];
    return Values{next, ops::transpose(next, {1, 0})};
  });
  graph->set_results({made.carries[0], made.ys[0]});
  return graph;
}

TEST(RegionCommands, KeepTheirPlaceFromStepToStepInLoopsWithinLoops) {
  for (const int64_t width : {1, 7, 48}) {
    const auto graph = products(width);
    const std::vector<HostArray> arguments = {random_array({width, width}, 1), random_array({width, width}, 2),
                                              random_array({5, width, width}, 3)};
    const auto found = compile(graph)->run(std::vector(arguments)), expected = ir::interpret(*graph, arguments);
    for (size_t r = 0; r < found.size(); ++r)
      for (int64_t i = 0; i < found[r].elements(); ++i)
        ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-4 * (1 + std::abs(expected[r].get(i))));
  }
}

TEST(RegionCommands, HaveTheirMemoryInTheContextWhichCountsItAndGivesItBack) {
  const auto program = compile(products(128));
  const std::vector<HostArray> arguments = {random_array({128, 128}, 1), random_array({128, 128}, 2),
                                            random_array({5, 128, 128}, 3)};
  runtime::RunContext context;
  const auto first = program->run(std::vector(arguments), context);
  const int64_t bytes = context.bytes();
  EXPECT_GT(bytes, 128 * 128 * 4 * 2);  // spare carries of both loops
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(program->run(std::vector(arguments), context)[0].same_bits(first[0]));
  EXPECT_LE(context.bytes(), bytes);
  context.trim();
  EXPECT_EQ(context.bytes(), 0);
  EXPECT_TRUE(program->run(std::vector(arguments), context)[0].same_bits(first[0]));
}

}  // namespace
}  // namespace strata::compiler
