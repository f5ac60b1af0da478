// Budgets of memory: less is never more, the plan is what a run takes, the bits stay, and what can't be kept is
// refused.
#include "strata/compiler/plan/budgeted_programs.h"

#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/testing/random_program.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Type;
using ir::Value;

constexpr int kLayers = 8;
constexpr int64_t kWidth = 24;

/// A network of tanh layers with its gradients by hand: what a layer gave is needed again much later.
/// `row_count`: of the batch. The gradient of each weight is a result; with `is_step` the new weight is.
std::shared_ptr<ir::Graph> layers(ir::Dim row_count, bool is_step = false) {
  auto graph = std::make_shared<ir::Graph>("layers");
  const Value x = graph->add_parameter(Type::of(DType::f32, {row_count, kWidth}), "x");
  std::vector<Value> weights, outputs{x}, results(kLayers);
  for (int i = 0; i < kLayers; ++i)
    weights.push_back(graph->add_parameter(Type::of(DType::f32, {kWidth, kWidth}), "w" + std::to_string(i)));
  for (const Value& w : weights) outputs.push_back(ops::tanh(ops::matmul(outputs.back(), w)));
  Value grad = outputs.back();
  for (int i = kLayers; i-- > 0;) {
    grad = grad - grad * outputs[i + 1] * outputs[i + 1];
    results[i] = ops::matmul(ops::transpose(outputs[i], {1, 0}), grad);
    grad = ops::matmul(grad, ops::transpose(weights[i], {1, 0}));
  }
  if (is_step)
    for (int i = 0; i < kLayers;
         ++i)  // backwards, so that it is a kernel of its own: a product can't write over a read
      results[i] = weights[i] - ops::reverse(results[i], {0});
  results.push_back(grad);
  graph->set_results(results);
  return graph;
}

std::vector<std::vector<int64_t>> shapes_for(int64_t rows) {
  std::vector<std::vector<int64_t>> shapes{{rows, kWidth}};
  shapes.resize(1 + kLayers, {kWidth, kWidth});
  return shapes;
}

std::vector<ir::HostArray> arguments_for(int64_t rows) {
  std::vector<ir::HostArray> arguments;
  int64_t n = 0;
  for (const auto& shape : shapes_for(rows)) {
    ir::HostArray& a = arguments.emplace_back(DType::f32, shape);
    for (int64_t i = 0; i < a.elements(); ++i) a.set(i, 0.01 * static_cast<double>((++n * 7) % 41) - 0.2);
  }
  return arguments;
}

/// What a run takes with the budget, which it keeps, in a run whose memory is counted; 0: no plan keeps it.
int64_t bytes_taken(const std::shared_ptr<ir::Graph>& graph, CompileOptions options, int64_t rows,
                    std::span<const ir::HostArray> expected) {
  const auto program = compile(graph, options);
  const auto shapes = shapes_for(rows);
  try {
    const MemoryPeak peak = memory_peak(*program, shapes);
    EXPECT_LE(peak.bytes, *options.memory_budget_bytes);
    runtime::RunContext context;
    const auto found = program->run(arguments_for(rows), context);
    EXPECT_EQ(context.arena_bytes(), peak.arena_bytes) << "the plan is what the run takes";
    const auto difference = first_difference(expected, found);
    EXPECT_FALSE(difference) << *difference;
    const auto own = program->own_program(program->dims_of(shapes));
    EXPECT_EQ(ir::find_plan_fault(own->plan()), std::nullopt);
    EXPECT_FALSE(first_difference(ir::interpret(*graph, arguments_for(rows)),
                                  ir::interpret_plan(own->plan(), arguments_for(rows))));
    return peak.bytes;
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0314") << e.text();
    return 0;
  }
}

/// Takes all budgets from that of the plan without one down to 1/5; returns the least that was kept.
int64_t walk_budgets(const std::shared_ptr<ir::Graph>& graph, CompileOptions options, int64_t rows) {
  const auto free = compile(graph, options);
  const int64_t most = memory_peak(*free, shapes_for(rows)).bytes;
  const auto expected = free->run(arguments_for(rows));
  int64_t least = most;
  bool is_refused = false;
  for (int percent = 100; percent >= 20; percent -= 8) {
    SCOPED_TRACE(percent);
    options.memory_budget_bytes = most * percent / 100;
    const int64_t bytes = bytes_taken(graph, options, rows, expected);
    EXPECT_LE(bytes, least) << "a smaller budget never takes more";
    EXPECT_TRUE(percent < 100 || bytes == most) << bytes;
    EXPECT_FALSE(is_refused && bytes > 0) << "a larger budget was refused";
    is_refused = bytes == 0;
    if (bytes > 0) least = bytes;
  }
  return least;
}

TEST(MemoryBudget, LessIsNeverMoreTheRunTakesWhatThePlanSaysAndTheBitsStay) {
  const auto graph = layers(301);
  const int64_t most = memory_peak(*compile(graph), shapes_for(301)).bytes;
  EXPECT_LT(walk_budgets(graph, {}, 301), most * 3 / 4) << "the outputs of layers are computed twice";
}

TEST(MemoryBudget, EachSizeOfASymbolicDimensionHasAPlanOfItsOwn) {
  const auto graph = layers(ir::Dim::symbol("B"));
  for (const int64_t rows : {1, 7, 301}) walk_budgets(graph, {}, rows);
  const int64_t most = memory_peak(*compile(graph), shapes_for(301)).bytes;
  const auto program = compile(graph, {.memory_budget_bytes = most * 4 / 5});
  const auto commands = [&](int64_t rows) {
    return program->own_program(program->dims_of(shapes_for(rows)))->plan().commands.size();
  };
  EXPECT_LT(commands(7), commands(301)) << "what is small anyway is computed once";
  EXPECT_EQ(base::code_of([&] { program->run(arguments_for(3001)); }), "E0314");
  EXPECT_NO_THROW(program->run(arguments_for(7))) << "after one that was refused";
}

TEST(MemoryBudget, WhatIsWrittenOverIsNotReadAgain) {
  const auto graph = layers(301, /*is_step=*/true);
  CompileOptions options;
  for (int i = 0; i < kLayers; ++i) options.donations.push_back({i, i + 1});
  const auto free = compile(graph, options);
  ASSERT_EQ(std::ssize(free->plan().donations), kLayers) << "all weights are written in place";
  walk_budgets(graph, options, 301);
}

TEST(MemoryBudget, LoopsStandAmongWhatIsComputedTwice) {
  auto graph = std::make_shared<ir::Graph>("loop");
  const Value x = graph->add_parameter(Type::of(DType::f32, {64, 64}), "x");
  const Value early = ops::tanh(ops::matmul(x, x));
  const auto body = [](ir::Graph&, const std::vector<Value>& p) {
    return std::vector<Value>{ops::matmul(ops::tanh(ops::matmul(p[0], p[0])), p[0])};
  };
  const Value carried = ops::scan({.carries = {ops::matmul(early, x)}}, 3, body).carries[0];
  graph->set_results({ops::reduce_sum(ops::matmul(carried, x) * early, {0, 1})});
  const std::vector<std::vector<int64_t>> shapes{{64, 64}};
  const int64_t most = memory_peak(*compile(graph), shapes).bytes;
  const std::vector<ir::HostArray> arguments = random_arguments(*graph, 1);
  const auto expected = compile(graph)->run(std::vector(arguments));
  const auto smaller = compile(graph, {.memory_budget_bytes = most - 1});
  EXPECT_LT(memory_peak(*smaller, shapes).bytes, most);
  EXPECT_FALSE(first_difference(expected, smaller->run(std::vector(arguments))));
}

TEST(MemoryBudget, RandomProgramsKeepTheirBitsOrAreRefused) {
  int repeated = 0;
  for (uint64_t seed = 900; seed < 960; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ops::RandomProgram random = ops::make_random_program(seed, ops::all_ops(), 24);
    std::vector<std::vector<int64_t>> shapes;
    for (const ir::HostArray& a : random.arguments) shapes.push_back(a.shape());
    const auto free = compile(random.graph);
    const MemoryPeak most = memory_peak(*free, shapes);
    if (most.arena_bytes == 0) continue;
    const auto program = compile(random.graph, {.memory_budget_bytes = most.bytes - 1});
    try {
      EXPECT_LT(memory_peak(*program, shapes).bytes, most.bytes);
      const auto difference =
          first_difference(free->run(std::vector(random.arguments)), program->run(std::vector(random.arguments)));
      EXPECT_FALSE(difference) << *difference;
      ++repeated;
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0314") << e.text();
    }
  }
  EXPECT_GT(repeated, 3);
}

TEST(MemoryBudget, WhatCanNotBeKeptIsRefusedWithTheTensorsAndTheirLines) {
  const auto program = compile(layers(301), {.memory_budget_bytes = 60'000});
  const std::string text = base::message_of([&] { program->run(arguments_for(301)); });
  EXPECT_NE(text.find("layers: takes "), std::string::npos) << text;
  EXPECT_NE(text.find("the budget is 60 kB"), std::string::npos) << text;
  EXPECT_NE(text.find("live then: 29 kB f32[301,24]  argument x"), std::string::npos) << text;
  EXPECT_NE(text.find("that is the least that was found with kernels run twice"), std::string::npos) << text;
}

TEST(MemoryBudget, ThatNoMachineHasOrNobodyMeansIsRefused) {
  const auto refused = [](int64_t bytes) {
    return base::message_of([&] { compile(layers(8), {.memory_budget_bytes = bytes}); });
  };
  EXPECT_NE(refused(0).find("error[E0760]: layers: memory_budget_bytes is 0, expected an integer of at least 1"),
            std::string::npos)
      << refused(0);
  EXPECT_NE(refused(-5).find("memory_budget_bytes is -5"), std::string::npos) << refused(-5);
  EXPECT_NE(refused(INT64_MAX).find("memory_budget_bytes is 9223372036854775807, expected at most the "),
            std::string::npos)
      << refused(INT64_MAX);
}

}  // namespace
}  // namespace strata::compiler
