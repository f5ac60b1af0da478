// Budgets of memory reach loops: what a scan keeps for its way back is computed again there, kernels of a region run
// twice, less is never more, the plan is what a run takes, and the bits stay.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/loop_segments.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;
using Shapes = std::vector<std::vector<int64_t>>;

constexpr int64_t kWidth = 24;

/// A recurrent net with its gradients by hand: o = tanh(z) sigmoid(z) with z = x + h w, whose factors are kept.
/// `is_reverse`: the net reads the sequence from its end.
std::shared_ptr<ir::Graph> recurrent(DType dtype, ir::Dim steps, ir::Dim rows, bool is_reverse = false) {
  auto graph = std::make_shared<ir::Graph>("recurrent");
  const Value xs = graph->add_parameter(Type::of(dtype, {steps, rows, kWidth}), "xs");
  const Value w = graph->add_parameter(Type::of(dtype, {kWidth, kWidth}), "w");
  const Value start = graph->add_parameter(Type::of(dtype, {rows, kWidth}), "start");
  const auto forward = [](ir::Graph&, const Values& p) {
    const Value z = p[2] + ops::matmul(p[1], p[0]);
    const Value t = ops::tanh(z), s = ops::sigmoid(z), o = t * s;
    return Values{o, o, t, s, p[1]};
  };
  const auto backward = [](ir::Graph&, const Values& p) {
    const Value d = p[1] + p[4], t = p[2], s = p[3];
    const Value dz = d * s - d * s * t * t + d * t * s - d * t * s * s;
    return Values{ops::matmul(dz, ops::transpose(p[0], {1, 0})), dz};
  };
  const auto order = [&](bool reverse) { return reverse ? ops::ScanOrder::Reverse : ops::ScanOrder::Forward; };
  const ops::ScanResults out = ops::scan({{w}, {start}, {xs}}, steps, forward, order(is_reverse));
  const ops::ScanResults back =
      ops::scan({{w}, {start - start}, {out.ys[1], out.ys[2], out.ys[0]}}, steps, backward, order(!is_reverse));
  graph->set_results({out.carries[0], ops::reduce_sum(out.ys[3] * back.ys[0], {0}), back.carries[0]});
  return graph;
}

struct Walk {
  int64_t most = 0, least = 0;
  size_t rungs = 0;  ///< different programs
};

/// Takes all budgets from that of the plan without one down to 15 %, in one program for all of them.
Walk walk_budgets(const std::shared_ptr<ir::Graph>& graph, const std::vector<ir::HostArray>& arguments) {
  Shapes shapes;
  for (const ir::HostArray& a : arguments) shapes.push_back(a.shape());
  const auto free = compile(graph);
  const auto expected = free->run(std::vector(arguments));
  Walk walk;
  walk.most = walk.least = memory_peak(*free, shapes).bytes;
  bool is_refused = false;
  for (int percent = 100; percent >= 15; percent -= 5) {
    SCOPED_TRACE(percent);
    const int64_t budget = walk.most * percent / 100;
    const auto program = compile(graph, {.memory_budget_bytes = budget});
    try {
      const MemoryPeak peak = memory_peak(*program, shapes);
      EXPECT_FALSE(is_refused) << "a larger budget was refused";
      EXPECT_LE(peak.bytes, budget);
      EXPECT_LE(peak.bytes, walk.least) << "a smaller budget never takes more";
      walk.rungs += peak.bytes < walk.least;
      walk.least = peak.bytes;
      runtime::RunContext context;
      const auto found = program->run(std::vector(arguments), context);
      EXPECT_EQ(context.arena_bytes(), peak.arena_bytes) << "the plan is what the run takes";
      EXPECT_GE(context.bytes(), peak.arena_bytes + peak.region_bytes);
      const auto difference = first_difference(expected, found);
      EXPECT_FALSE(difference) << *difference;
      EXPECT_EQ(ir::find_plan_fault(program->own_program(program->dims_of(shapes))->plan()), std::nullopt);
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0314") << e.text();
      is_refused = true;
    }
  }
  return walk;
}

TEST(LoopBudgets, WhatAScanKeepsForItsWayBackIsComputedAgain) {
  const auto graph = recurrent(DType::f32, 100, 5);
  const auto arguments = random_arguments(*graph, 1);
  const Walk walk = walk_budgets(graph, arguments);
  EXPECT_LT(walk.least, walk.most * 7 / 10);
  EXPECT_GE(walk.rungs, 1U);
  const auto smallest = compile(graph, {.memory_budget_bytes = walk.least});
  EXPECT_FALSE(first_difference(ir::interpret_plan(compile(graph)->plan(), arguments),
                                ir::interpret_plan(smallest->own_program(ir::DimBinding())->plan(), arguments)));
}

TEST(LoopBudgets, AnyLengthOrderAndType) {
  for (const int64_t steps : {1, 2, 7, 36})
    for (const bool is_reverse : {false, true}) {
      SCOPED_TRACE(std::to_string(steps) + (is_reverse ? " steps from the end" : " steps"));
      const auto graph = recurrent(DType::f32, steps, 3, is_reverse);
      walk_budgets(graph, random_arguments(*graph, 2));
    }
  for (const DType dtype : {DType::f64, DType::f16, DType::bf16}) {
    SCOPED_TRACE(ir::dtype_name(dtype));
    const auto graph = recurrent(dtype, 30, 4);
    const Walk walk = walk_budgets(graph, random_arguments(*graph, 3));
    EXPECT_LT(walk.least, walk.most);
  }
}

TEST(LoopBudgets, SymbolsAtTheirBounds) {
  const auto graph = recurrent(DType::f32, ir::Dim::symbol("T"), ir::Dim::symbol("B"));
  const auto free = compile(graph);
  for (const auto& [steps, rows] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {64, 1}, {1, 64}, {47, 13}}) {
    SCOPED_TRACE(std::to_string(steps) + " steps, " + std::to_string(rows) + " rows");
    std::vector<ir::HostArray> arguments;
    int64_t n = 0;
    for (const auto& shape : Shapes{{steps, rows, kWidth}, {kWidth, kWidth}, {rows, kWidth}}) {
      ir::HostArray& a = arguments.emplace_back(DType::f32, shape);
      for (int64_t i = 0; i < a.elements(); ++i) a.set(i, 0.01 * static_cast<double>((++n * 7) % 41) - 0.2);
    }
    const Walk walk = walk_budgets(graph, arguments);
    EXPECT_TRUE(steps != 64 || walk.least < walk.most) << "steps are computed again, one by one";
  }
}

/// A body that reads late what it computed early.
Values body_of_layers(const Value& x, const Value& w) {
  Values outputs{x};
  for (int i = 0; i < 6; ++i) outputs.push_back(ops::tanh(ops::matmul(outputs.back(), w)));
  Value grad = outputs.back();
  for (int i = 6; i-- > 0;) grad = ops::matmul(grad - grad * outputs[i + 1] * outputs[i], w);
  return {grad};
}

/// The same body in a loop of each kind.
std::shared_ptr<ir::Graph> loop_of_layers(const std::string& kind) {
  auto graph = std::make_shared<ir::Graph>(kind);
  const Value x = graph->add_parameter(Type::of(DType::f32, {200, kWidth}), "x");
  const Value w = graph->add_parameter(Type::of(DType::f32, {kWidth, kWidth}), "w");
  const auto body = [](ir::Graph&, const Values& p) { return body_of_layers(p[1], p[0]); };
  if (kind == "scan") {
    graph->set_results(ops::scan({{w}, {x}, {}}, 3, body).carries);
  } else if (kind == "while") {
    const Value three = ops::scalar(*graph, DType::i64, 3);
    const auto goes_on = [](ir::Graph&, const Values& p) { return Values{p[2] > ops::scalar_like(p[2], 0)}; };
    const auto step = [](ir::Graph&, const Values& p) {
      return Values{body_of_layers(p[1], p[0])[0], p[2] - ops::scalar_like(p[2], 1)};
    };
    graph->set_results({ops::while_loop({w}, {x, three}, goes_on, step)[0]});
  } else {
    const Value is_large = ops::reduce_sum(x, {0, 1}) > ops::scalar_like(x, 0.0);
    const auto otherwise = [](ir::Graph&, const Values& p) { return Values{p[1] + p[1]}; };
    graph->set_results(ops::cond(is_large, {w, x}, body, otherwise));
  }
  return graph;
}

TEST(LoopBudgets, KernelsOfARegionRunTwice) {
  for (const char* kind : {"scan", "while", "cond"}) {
    SCOPED_TRACE(kind);
    const auto graph = loop_of_layers(kind);
    auto arguments = random_arguments(*graph, 4);
    for (int64_t i = 0; i < arguments[1].elements(); ++i) arguments[1].set(i, 0.01 * static_cast<double>(i % 11));
    const Walk walk = walk_budgets(graph, arguments);
    EXPECT_LT(walk.least, walk.most * 9 / 10);
  }
}

TEST(LoopBudgets, WhatCanNotBeKeptIsRefusedWithTheTensorsOfTheRegion) {
  const auto graph = loop_of_layers("scan");
  const auto program = compile(graph, {.memory_budget_bytes = 30'000});
  const std::string text = base::message_of([&] { program->run(random_arguments(*graph, 5)); });
  EXPECT_NE(text.find("scan: takes "), std::string::npos) << text;
  EXPECT_NE(text.find(" are for regions; the budget is 30 kB"), std::string::npos) << text;
  EXPECT_NE(text.find("live then: 19 kB f32[200,24]  in scan: fusion"), std::string::npos) << text;
  EXPECT_NE(text.find("carries of scan"), std::string::npos) << text;
}

TEST(LoopBudgets, AStepThatPrintsOrChecksRunsOnce) {
  auto graph = std::make_shared<ir::Graph>("checked");
  const Value xs = graph->add_parameter(Type::of(DType::f32, {12, 8, 8}), "xs");
  const Value start = graph->add_parameter(Type::of(DType::f32, {8, 8}), "start");
  const auto forward = [](ir::Graph&, const Values& p) {
    const Value h = ops::tanh(ops::matmul(p[0], p[1]));
    ops::print(h, "h");
    return Values{h, h};
  };
  const auto backward = [](ir::Graph&, const Values& p) { return Values{ops::matmul(p[0], p[1])}; };
  const Value hs = ops::scan({{}, {start}, {xs}}, 12, forward).ys[0];
  graph->set_results(ops::scan({{}, {start}, {hs}}, 12, backward, ops::ScanOrder::Reverse).carries);
  EXPECT_TRUE(scan_pairs(*graph, {}).empty());
}

}  // namespace
}  // namespace strata::compiler
