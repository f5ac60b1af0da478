// What a run of a plan holds at most, and which tensors that is; a budget is met to the byte, or refused with them.
#include "strata/compiler/plan/memory_budget.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/compile.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

/// Two products: %0 (B x 100) and %1 (B x 50) are alive together while %1 is computed.
std::shared_ptr<const ir::Graph> two_layers() {
  return ir::parse_graph(
             "func @f(%x: f32[B,10], %w: f32[10,100], %v: f32[100,50], %u: f32[50,1]) -> f32[B,1] where B in [1, 64] "
             "{\n"
             "  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = "
             "f32}\n"
             "  %1 = dot %0, %v {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = "
             "f32}\n"
             "  %2 = dot %1, %u {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = "
             "f32}\n"
             "  return %2\n}",
             ops::op_table())
      .value();
}

const std::vector<std::vector<int64_t>> kShapes = {{8, 10}, {10, 100}, {100, 50}, {50, 1}};

TEST(MemoryPeak, CountsArgumentsResultsAndTheArenaAndListsWhatIsAliveLargestFirst) {
  const auto program = compile(two_layers());
  const MemoryPeak peak = memory_peak(*program, kShapes);
  EXPECT_EQ(peak.arena_bytes, program->memory_use(kShapes).arena_bytes);
  EXPECT_EQ(peak.bytes - peak.arena_bytes, 4 * (80 + 1000 + 5000 + 50 + 8)) << "four arguments and the result";
  ASSERT_EQ(peak.live.size(), 7u);
  EXPECT_EQ(peak.live[0].name, "argument v");
  EXPECT_EQ(peak.live[0].bytes, 20'000);
  EXPECT_EQ(peak.live[2].type, "f32[8,100]");
  EXPECT_EQ(peak.live[3].type, "f32[8,50]");
  EXPECT_NE(peak.live[2].name.find("dot"), std::string::npos) << peak.live[2].name;
  EXPECT_EQ(peak.command, 1);
}

TEST(MemoryBudget, ThatIsMetPassesAndOneByteLessIsRefusedWithTheTensors) {
  const int64_t bytes = memory_peak(*compile(two_layers()), kShapes).bytes;
  EXPECT_EQ(memory_peak(*compile(two_layers(), {.memory_budget_bytes = bytes}), kShapes).bytes, bytes);
  try {
    memory_peak(*compile(two_layers(), {.memory_budget_bytes = bytes - 1}), kShapes);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0314");
    EXPECT_NE(e.text().find("live then: 20 kB f32[100,50]  argument v"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("f32[8,100]  dot"), std::string::npos) << e.text();
  }
}

TEST(MemoryPeak, OfAProgramThatOnlyCopiesIsItsArgumentsAndResults) {
  const auto program =
      compile(ir::parse_graph("func @f(%x: f32[4]) -> f32[4] {\n  return %x\n}", ops::op_table()).value());
  const std::vector<std::vector<int64_t>> shapes = {{4}};
  EXPECT_EQ(memory_peak(*program, shapes).bytes, 32);
}

TEST(MemoryPeak, CountsWhatTheRegionsOfALoopHaveAtOnce) {
  auto graph = std::make_shared<ir::Graph>("loop");
  const ir::Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {ir::Dim::symbol("B"), 64}));
  const auto body = [](ir::Graph&, const std::vector<ir::Value>& p) {
    const ir::Value square = ops::matmul(p[0], ops::transpose(p[0], {1, 0}));  // B x B, between two kernels
    return std::vector<ir::Value>{ops::matmul(ops::tanh(square), p[0])};
  };
  graph->set_results({ops::scan({.carries = {x}}, 3, body).carries[0]});
  const auto program = compile(graph);
  const std::vector<std::vector<int64_t>> shapes = {{512, 64}};
  const MemoryPeak peak = memory_peak(*program, shapes);
  EXPECT_GE(peak.region_bytes, 4 * 512 * 512 + 4 * 512 * 64) << "the square and the spare carry";
  EXPECT_LE(peak.region_bytes, 3 * 4 * 512 * 512);
  const auto smaller = compile(graph, {.memory_budget_bytes = peak.bytes - 1});
  EXPECT_EQ(base::code_of([&] { memory_peak(*smaller, shapes); }), "E0314");
  runtime::RunContext context;
  program->run({ir::HostArray(ir::DType::f32, {512, 64})}, context);
  EXPECT_GE(context.bytes(), peak.region_bytes) << "what the run has taken";
}

}  // namespace
}  // namespace strata::compiler
