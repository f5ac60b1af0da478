// The pass runner: reports, limits, dumps, reproducers; bisecting and shrinking.
#include <gtest/gtest.h>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/check/bisect_passes.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/reduce_program.h"
#include "strata/compiler/graph/apply_rules.h"
#include "strata/compiler/graph/canonicalise.h"
#include "strata/compiler/graph/share_nodes.h"
#include "strata/compiler/run_passes.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

std::shared_ptr<const ir::Graph> program() {
  return parsed(
      "func @f(%x: f32[3], %y: f32[3]) -> (f32[3], f32[3]) {\n"
      "  %0 = exp %x\n  %1 = exp %x\n  %2 = add %0, %1\n  %3 = reshape %y {dims = [3]}\n  %4 = sub %2, %3\n  %5 = tanh "
      "%y\n  return %4, %5\n}");
}

/// A wrong rule: a - b becomes a + b.
std::unique_ptr<ir::Graph> break_subtraction(const ir::Graph& graph) {
  constexpr NodeRule kRules[] = {[](const ir::Node& n) {
    return n.op == &ops::kSub ? n.graph->add1(ops::kAdd, {n.operand(0), n.operand(1)}) : ir::Value{};
  }};
  return apply_rules(graph, kRules);
}
/// Never done: a + b becomes b + a.
std::unique_ptr<ir::Graph> swap_sums(const ir::Graph& graph, const PassContext& context) {
  constexpr NodeRule kRules[] = {[](const ir::Node& n) {
    return n.op == &ops::kAdd ? n.graph->add1(ops::kAdd, {n.operand(1), n.operand(0)}) : ir::Value{};
  }};
  return apply_rules(graph, kRules, context);
}
std::unique_ptr<ir::Graph> throw_internal(const ir::Graph&) { throw base::Error(base::code::kBug, "lost my way"); }
std::unique_ptr<ir::Graph> never_done(const ir::Graph& graph) {
  auto copy = ir::copy_graph(graph);
  copy->set_results({copy->add1(ops::kNeg, {copy->results()[0]})});
  return copy;
}

constexpr Pass kGood[] = {{"canonicalise", canonicalise, ""}, {"share-nodes", share_nodes, ""}};
constexpr Pass kBroken[] = {
    {"canonicalise", canonicalise, ""}, {"share-nodes", share_nodes, ""}, {"break-subtraction", break_subtraction, ""}};

TEST(RunPasses, ReportsWhatChangedAndStopsAtTheLimit) {
  const auto graph = program();
  const PassResults all = run_passes(*graph, kGood);
  ASSERT_EQ(all.reports.size(), 2u);
  EXPECT_TRUE(all.reports[0].changed);
  EXPECT_TRUE(all.reports[1].changed);
  EXPECT_FALSE(run_passes(*all.graph, kGood).reports[0].changed);
  EXPECT_EQ(run_passes(*graph, kGood, {.limit = 1}).reports.size(), 1u);
  EXPECT_EQ(run_passes(*graph, kGood, {.disabled = {"canonicalise"}}).reports[0].name, "share-nodes");
}

TEST(RunPasses, APassThatStopsAtItsRoundsSaysSo) {
  const Pass passes[] = {{"canonicalise", canonicalise, ""}, {"swap-sums", swap_sums, ""}};
  const std::string said = "pass swap-sums stopped after 16 rounds, and its rules still fire";
  testing::internal::CaptureStderr();
  const PassResults once = run_passes(*program(), passes);
  run_passes(*program(), passes);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(once.remarks, std::vector<std::string>{said});
  EXPECT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find(said), log.rfind(said)) << "once per process: " << log;
}

TEST(RunPasses, DumpsTheTextBeforeAndAfter) {
  const base::TempFolder folder("passes");
  run_passes(*program(), kGood, {.dump_folder = folder.path()});
  EXPECT_TRUE(ir::parse_graph(base::read_text(folder.path() + "/00-before.sir").value(), ops::op_table()).ok());
  EXPECT_TRUE(ir::parse_graph(base::read_text(folder.path() + "/01-canonicalise.sir").value(), ops::op_table()).ok());
}

TEST(RunPasses, AFailureLeavesAReproducer) {
  const base::TempFolder folder("passes");
  const Pass passes[] = {{"throws", throw_internal, ""}};
  try {
    run_passes(*program(), passes, {.reproducer_folder = folder.path()});
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0300");
    EXPECT_NE(error.text().find("reproducer: " + folder.path()), std::string::npos) << error.text();
  }
  const auto files = base::list_folder(folder.path()).value();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(ir::parse_graph(base::read_text(folder.path() + "/" + files[0]).value(), ops::op_table()).ok());
}

TEST(RunPasses, APassThatIsNeverDoneIsFound) {
  const base::TempFolder folder("passes");
  const Pass passes[] = {{"never-done", never_done, ""}};
  EXPECT_THROW(run_passes(*program(), passes, {.reproducer_folder = folder.path(), .check_stable = true}), base::Error);
}

TEST(RunPasses, AnUnknownNameIsAnsweredWithTheNearest) {
  const std::string names[] = {"canonicalize"};
  try {
    passes_named(names);
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.text(), "error[E0302]: there is no pass named 'canonicalize'\nhint: did you mean 'canonicalise'?");
  }
}

TEST(BisectPasses, NamesTheFirstPassThatChangesTheMeaning) {
  EXPECT_FALSE(find_broken_pass(*program(), kGood, random_argument_sets(*program())));
  const auto broken = find_broken_pass(*program(), kBroken, random_argument_sets(*program()));
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->name, "break-subtraction");
  EXPECT_EQ(broken->number, 2);
}

TEST(ReduceProgram, LeavesTheNodeThatFails) {
  const auto small = reduce_program(
      program(), [](const ir::Graph& g) { return find_inequivalence(g, *break_subtraction(g)).has_value(); });
  EXPECT_EQ(ir::print_graph(*small),
            "func @f(%p0: f32[3], %p1: f32[3]) -> f32[3] {\n  %0 = sub %p0, %p1 : f32[3]\n  return %0\n}\n");
}

TEST(Equivalence, SeesOtherBitsOtherTextAndFailures) {
  const auto same = program();
  EXPECT_FALSE(find_inequivalence(*same, *program()));
  EXPECT_TRUE(find_inequivalence(*same, *break_subtraction(*same)));
  const auto prints = parsed("func @f(%x: f32[3]) -> f32[3] { print %x {label = \"a\"} return %x }");
  const auto prints_other = parsed("func @f(%x: f32[3]) -> f32[3] { print %x {label = \"b\"} return %x }");
  EXPECT_TRUE(find_inequivalence(*prints, *prints_other));
}

}  // namespace
}  // namespace strata::compiler
