#include "strata/compiler/plan/memory_budget.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/compile.h"
#include "strata/ir/text/text_form.h"
#include "strata/ops/list.h"

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
  const MemoryPeak peak = memory_peak(program->plan(), kShapes);
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

TEST(MemoryPeak, ABudgetThatIsMetPassesAndOneByteLessIsRefusedWithTheTensors) {
  const auto program = compile(two_layers());
  const int64_t bytes = memory_peak(program->plan(), kShapes).bytes;
  EXPECT_NO_THROW(require_memory(program->plan(), kShapes, bytes));
  try {
    require_memory(program->plan(), kShapes, bytes - 1);
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
  EXPECT_EQ(memory_peak(program->plan(), shapes).bytes, 32);
}

}  // namespace
}  // namespace strata::compiler
