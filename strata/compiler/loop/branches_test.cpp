// What contains an if, a check or a while is vectorised around it, and keeps its bits: at odd sizes, with NaN, with
// positions that fail.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/kernel_run.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Type;
using ir::Value;
using ir::loops::Kernel;

std::string schedule_of_text(const std::string& text, const machine::CpuTarget& cpu = machine::kAvx2) {
  ScheduleReport report;
  schedule(ir::loops::parse_kernel(text).value(), cpu.vectors, &report);
  return fmt::format("{}", fmt::join(report.lines, "; "));
}

void expect_same_bits(const std::string& text, const std::vector<std::vector<int64_t>>& sizes) {
  for (const auto& dims : sizes)
    for (const uint64_t seed : {1, 2})
      EXPECT_EQ(compare_schedules(text, dims, Run::InterpretAndNative, seed), "")
          << fmt::format("{}", fmt::join(dims, ", "));
}

constexpr const char* kArgmax = R"(kernel @argmax(%x: f32[N,B]) -> (%y: i64[B]) {
  parallel i in 0..B { var best: f32 = %x[0,i] var at: i64 = 0
    for k in 1..N { let here: f32 = %x[k,i]
      if gt(here, best) { best = here at = k } }
    %y[i] = at } })";

TEST(Branches, ThatLanesTakeDifferentlyBecomeSelects) {
  EXPECT_EQ(schedule_of_text(kArgmax), "vectorise i by 8, 4, 1; parallel points by 64");
  expect_same_bits(kArgmax, {{1, 1}, {7, 1}, {1, 7}, {5, 131}, {67, 33}, {2, 16}});
}

TEST(Branches, NestedOnesMaskStoresOfBothSides) {
  const std::string text = R"(kernel @clip(%x: f32[B], %s: f32[B]) -> (%y: f32[B], %z: f32[B]) {
    parallel i in 0..B { let a: f32 = %x[i] var b: f32 = %s[i]
      %z[i] = 0.0
      if gt(a, b) { b = add(b, a)
        if gt(b, 3.0) { %y[i] = a %z[i] = b } else { b = neg(b) %y[i] = b }
      } else { %y[i] = mul(a, b) } } })";
  EXPECT_EQ(schedule_of_text(text).find("left as written"), std::string::npos) << schedule_of_text(text);
  EXPECT_NE(schedule_of_text(text).find("vectorise i by 8, 4, 1"), std::string::npos) << schedule_of_text(text);
  expect_same_bits(text, {{1}, {3}, {7}, {8}, {131}, {1000}});
}

TEST(Branches, ASideMayAssignToWhatItsConditionReads) {
  const std::string text = R"(kernel @halve(%x: f32[B]) -> (%y: f32[B]) {
    parallel i in 0..B { var a: f32 = %x[i]
      if gt(a, 1.0) { a = mul(a, 0.5) a = add(a, 1.0) } else { a = neg(a) }
      %y[i] = a } })";
  EXPECT_NE(schedule_of_text(text).find("vectorise i"), std::string::npos) << schedule_of_text(text);
  expect_same_bits(text, {{1}, {7}, {67}});
}

TEST(Branches, WhoseConditionAllLanesShareStayBranches) {
  const std::string text = R"(kernel @f(%x: f32[N,B], %c: f32[N]) -> (%y: f32[B]) {
    parallel i in 0..B { var s: f32 = 0.0
      for k in 0..N { if gt(%c[k], 0.0) { s = add(s, %x[k,i]) } }
      %y[i] = s } })";
  EXPECT_NE(schedule_of_text(text).find("vectorise i"), std::string::npos) << schedule_of_text(text);
  const Kernel made = schedule(ir::loops::parse_kernel(text).value(), machine::kAvx2.vectors);
  EXPECT_NE(ir::loops::print(made).find("if gt(%c["), std::string::npos) << ir::loops::print(made);
  expect_same_bits(text, {{1, 1}, {7, 13}, {5, 131}});
}

TEST(Branches, ThatReadMemoryWhereTheyAreTakenAreNotGoneThroughByAll) {
  // Where the condition does not hold, the position lies outside.
  const std::string text = R"(kernel @f(%x: f32[B], %p: i64[B]) -> (%y: f32[B]) {
    parallel i in 0..B { %y[i] = 0.0
      if lt(%p[i], 1) { %y[i] = %x[%p[i]] } } })";
  EXPECT_EQ(schedule_of_text(text), "# left as written: it branches on data");
  expect_same_bits(text, {{2}, {7}});
}

TEST(Branches, IndependentLoopsWithinThemAreVectors) {
  const std::string text = R"(kernel @rows(%x: f32[B,N], %p: i64[B]) -> (%y: f32[B,N]) {
    parallel i in 0..B {
      if gt(%p[i], 0) { vector j in 0..N { %y[i,j] = add(%x[i,j], 1.0) } }
      else { vector j in 0..N { %y[i,j] = 0.0 } } } })";
  EXPECT_EQ(schedule_of_text(text), "vectorise inner by 8, 4, 1; parallel points by 128");
  expect_same_bits(text, {{1, 1}, {3, 7}, {5, 131}, {2, 8}});
}

TEST(Branches, IndependentLoopsWithinAWhileAreVectors) {
  const std::string text = R"(kernel @rows(%x: f32[B,N], %p: i64[B]) -> (%y: f32[B,N]) {
    parallel i in 0..B { var left: i64 = add(%p[i], 2)
      vector j in 0..N { %y[i,j] = %x[i,j] }
      while gt(left, 0) { left = sub(left, 1)
        vector j in 0..N { %y[i,j] = mul(%y[i,j], 0.5) } } } })";
  EXPECT_NE(schedule_of_text(text).find("vectorise inner by 8, 4, 1"), std::string::npos) << schedule_of_text(text);
  expect_same_bits(text, {{1, 1}, {3, 7}, {5, 131}});
}

TEST(Branches, ChecksStayInOrderAndTheLoopsBelowThemAreVectors) {
  const std::string text = R"(kernel @rows(%x: f32[3,N], %p: i64[B]) -> (%y: f32[B,N]) {
    parallel i in 0..B {
      check lt(%p[i], 1), code 5, index i
      vector j in 0..N { %y[i,j] = %x[min(%p[i], 2),j] } } })";
  EXPECT_NE(schedule_of_text(text).find("vectorise inner by 8, 4, 1"), std::string::npos) << schedule_of_text(text);
  expect_same_bits(text, {{7, 1}, {131, 2}, {5, 3}});  // about half of the positions fail
}

TEST(Branches, AKernelThatOnlyChecksIsKept) {
  const std::string text = "kernel @f(%p: i64[B]) { parallel i in 0..B { check lt(%p[i], 1), code 5, index i } }";
  EXPECT_EQ(schedule_of_text(text), "# left as written: it checks, and writes nothing");
  const Kernel made = schedule(ir::loops::parse_kernel(text).value(), machine::kAvx2.vectors);
  EXPECT_NE(ir::loops::print(made).find("check lt("), std::string::npos) << ir::loops::print(made);
}

Kernel lowered(const Value& value, const Graph& graph) { return lower_kernel(*value.node, graph.facts(), "k"); }

std::string lines_of(const Kernel& naive) {
  ScheduleReport report;
  schedule(naive, machine::kAvx2.vectors, &report);
  return fmt::format("{}", fmt::join(report.lines, "; "));
}

TEST(Branches, OfOpsAreVectorisedAround) {
  const Dim B = Dim::symbol("B");
  for (const Dim length : {Dim(1), Dim(7), Dim(131)}) {
    Graph graph;
    const Value x = graph.add_parameter(Type::of(DType::f32, {length, B})),
                ids = graph.add_parameter(Type::of(DType::i64, {B})),
                table = graph.add_parameter(Type::of(DType::f32, {7, length}));
    for (const Value& y : {ops::argmax(x, 0), ops::argmin(x, 0), ops::take(table, ids, 0, ops::OutOfRange::Check),
                           ops::index_update(table, 0, ids, ops::take(table, ids, 0), ops::Combine::Add)}) {
      const Kernel naive = lowered(y, graph);
      EXPECT_NE(lines_of(naive).find("vectorise"), std::string::npos) << ir::loops::print(naive) << lines_of(naive);
      for (const int64_t rows : {1, 7, 67}) EXPECT_EQ(compare_schedules(naive, {rows}), "") << y.node->op->name;
    }
  }
}

}  // namespace
}  // namespace strata::compiler
