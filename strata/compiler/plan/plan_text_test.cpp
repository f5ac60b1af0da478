// Plans of compiled programs: their text reads back, the verifier accepts them and refuses broken ones, and the plan
// interpreter gives what the tensor interpreter gives.
#include <gtest/gtest.h>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/interpret.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ir/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/ops/testing/random_program.h"

namespace strata::compiler {
namespace {

std::shared_ptr<const ir::Graph> parsed(const std::string& text) {
  return ir::parse_graph(text, ops::op_table()).value();
}

/// Two layers and the mean of squares: kernels, a constant, a reshape, reuse in place.
std::shared_ptr<const ir::Graph> small_program() {
  return parsed(
      "func @f(%x: f32[B,8], %w: f32[8,8], %v: f32[8,8]) -> (f32[], f32[B*8]) where B in [1, 64] {\n"
      "  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}\n"
      "  %1 = maximum %0, 0.0\n"
      "  %2 = dot %1, %v {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}\n"
      "  %3 = exp %2\n  %4 = mul %3, %3\n  %5 = reduce_sum %4 {axes = [0, 1]}\n  %6 = reshape %3 {dims = [B*8]}\n"
      "  print %5 {label = \"loss\"}\n  return %5, %6\n}");
}

TEST(PlanText, PrintsAndParsesToTheSamePlan) {
  const auto executable = compile(small_program());
  const std::string text = ir::print_plan(executable->plan());
  const auto again = ir::parse_plan(text, ops::op_table());
  ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
  EXPECT_EQ(ir::print_plan(**again), text);
  EXPECT_EQ(ir::find_plan_fault(**again), std::nullopt) << text;
}

TEST(PlanText, PlansOfRandomProgramsReadBackVerifyAndCompute) {
  for (uint64_t seed = 500; seed < 525; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ops::RandomProgram program = ops::make_random_program(seed, ops::all_ops());
    const auto executable = compile(program.graph);
    const std::string text = ir::print_plan(executable->plan());
    SCOPED_TRACE(text);
    const auto again = ir::parse_plan(text, ops::op_table());
    ASSERT_TRUE(again.ok()) << again.error().text();
    EXPECT_EQ(ir::print_plan(**again), text);
    EXPECT_EQ(ir::find_plan_fault(**again), std::nullopt);
    const auto difference = first_difference(ir::interpret(*executable->plan().graph, program.arguments),
                                             ir::interpret_plan(**again, program.arguments));
    EXPECT_FALSE(difference) << *difference;
    if (HasFailure()) break;
  }
}

TEST(PlanText, EveryPrefixGivesAnErrorAndNoCrash) {
  const std::string text = ir::print_plan(compile(small_program())->plan());
  for (size_t n = 0; n + 1 < text.size(); n += 3)
    EXPECT_FALSE(ir::parse_plan(text.substr(0, n), ops::op_table()).ok()) << text.substr(0, n);
}

TEST(PlanVerify, RefusesWhatWouldComputeSomethingElse) {
  const ir::Plan good = compile(small_program())->plan();
  ASSERT_EQ(ir::find_plan_fault(good), std::nullopt) << ir::print_plan(good);
  ir::Plan plan = good;
  std::swap(plan.commands[0], plan.commands[1]);
  EXPECT_NE(ir::find_plan_fault(plan), std::nullopt) << "commands in the wrong order";
  plan = good;
  plan.commands[1].reads[0] = plan.commands[1].writes[0];
  EXPECT_NE(ir::find_plan_fault(plan), std::nullopt) << "reads what it writes";
  plan = good;
  for (ir::PlanBuffer& b : plan.buffers) b.last = std::min(b.last, 0);
  EXPECT_NE(ir::find_plan_fault(plan), std::nullopt) << "lifetimes too short";
  plan = good;
  plan.commands[0].writes[0] = plan.arguments[0];
  EXPECT_NE(ir::find_plan_fault(plan), std::nullopt) << "writes an argument";
  plan = good;
  plan.results[0] = 99;
  EXPECT_NE(ir::find_plan_fault(plan), std::nullopt) << "no such buffer";
}

}  // namespace
}  // namespace strata::compiler
