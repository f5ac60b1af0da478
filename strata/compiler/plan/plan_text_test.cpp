// Plans of compiled programs: their text reads back, the verifier accepts them and refuses broken ones, and the plan
// interpreter gives what the tensor interpreter gives.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/run_passes.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/list.h"
#include "strata/ops/testing/random_program.h"

namespace strata::compiler {
namespace {

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

/// Result 0 takes over argument 0; argument 1 is kept, since result 1 reads it backwards; result 2 must be finite, so
/// its kernel can fail and comes before the donated memory is written.
ir::Plan plan_with_donations() {
  const auto program = parsed(
      "func @step(%w: f32[8], %m: f32[8], %g: f32[8]) -> (f32[8], f32[8], f32[]) {\n  %0 = sub %w, %g\n"
      "  %1 = reverse %m {axes = [0]}\n  %2 = reduce_sum %g {axes = [0]}\n  return %0, %1, %2\n}");
  return compile(program, {.donations = {{0, 0}, {1, 1}}, .finite = {{2, "loss"}}})->plan();
}

/// The fault of a plan that `change` was made to; empty where the verifier finds none.
std::string fault_after(ir::Plan plan, const std::function<void(ir::Plan&)>& change) {
  change(plan);
  return ir::find_plan_fault(plan).value_or("");
}

TEST(PlanText, PrintsAndParsesToTheSamePlan) {
  const auto executable = compile(small_program());
  const std::string text = ir::print_plan(executable->plan());
  const auto again = ir::parse_plan(text, ops::op_table());
  ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
  EXPECT_EQ(ir::print_plan(**again), text);
  EXPECT_EQ(ir::find_plan_fault(**again), std::nullopt) << text;
}

TEST(PlanText, DonationsAndWhatCanFailSurvivePrinting) {
  const ir::Plan plan = plan_with_donations();
  const std::string text = ir::print_plan(plan);
  for (const char* line : {"\n  donate result 0 argument 0\n", "\n  keep argument 1 beside result 1 because \"command ",
                           "\n  finite result 2 \"loss\" in b", " can_fail\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  const auto again = ir::parse_plan(text, ops::op_table());
  ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
  EXPECT_EQ(ir::print_plan(**again), text);
  EXPECT_EQ(ir::find_plan_fault(**again), std::nullopt) << text;
  ASSERT_EQ((*again)->kept.size(), 1u);
  EXPECT_EQ((*again)->kept[0].reason, plan.kept[0].reason);
  ASSERT_EQ((*again)->finite.size(), 1u);
  EXPECT_EQ((*again)->finite[0].command, plan.finite[0].command);
  for (size_t c = 0; c < plan.commands.size(); ++c)
    EXPECT_EQ((*again)->commands[c].can_fail, plan.commands[c].can_fail) << c;
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

TEST(PlanVerify, RefusesDonationsAndFiniteResultsOfNothing) {
  const ir::Plan good = plan_with_donations();
  ASSERT_EQ(ir::find_plan_fault(good), std::nullopt) << ir::print_plan(good);
  for (const ir::Donation d : {ir::Donation{3, 0}, {-1, 0}, {0, 3}, {0, -1}}) {
    EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.donations.push_back(d); }),
              "a donation names something that isn't there");
    EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.kept.push_back({d.result, d.argument, "so"}); }),
              "a kept argument names something that isn't there");
  }
  const std::string not_there = "a finite result names something that isn't there";
  for (int result : {3, -1}) EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.finite[0].result = result; }), not_there);
  for (int b : {99, -1}) EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.finite[0].buffer = b; }), not_there);
  for (int c : {99, -2}) EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.finite[0].command = c; }), not_there);
  const size_t looking = good.finite[0].command;
  EXPECT_EQ(fault_after(good, [&](ir::Plan& p) { p.commands[looking].can_fail = false; }), not_there)
      << "what looks at values can fail";
}

TEST(PlanVerify, RefusesAFailureBehindTheFirstWriteOfDonatedMemory) {
  const ir::Plan good = plan_with_donations();
  const int first = ir::first_donated_write(good), count = good.commands.size();
  ASSERT_LT(first, count) << ir::print_plan(good);
  for (int c = 0; c < count; ++c) {
    const std::string fault = fault_after(good, [&](ir::Plan& p) { p.commands[c].can_fail = true; });
    const std::string expected =
        fmt::format("command {} can fail, and command {} has written donated memory", c, first);
    EXPECT_EQ(fault, c < first ? "" : expected);
  }
}

}  // namespace
}  // namespace strata::compiler
