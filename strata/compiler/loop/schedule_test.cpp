// Schedules keep the bits: nests of each kind at odd sizes, naive against scheduled. Every op's samples are in
// sample_schedules_test.cpp.
#include "strata/compiler/loop/schedule.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ops/reduce.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;

TEST(Schedule, ElementwiseRowsOfAnyLengthRunNatively) {
  const std::string text = R"(kernel @gelu(%x: f32[B,N], %b: f32[N], %s: f32[B]) -> (%y: f32[B,N], %z: f32[B,N]) {
    parallel i in 0..B { vector j in 0..N {
      %y[i,j] = fma(%x[i,j], %s[i], %b[j])
      %z[i,j] = mul(div(%x[i,j], %s[i]), fma(%x[i,j], %s[i], %b[j])) } } })";
  for (const auto& dims :
       std::vector<std::vector<int64_t>>{{0, 5}, {1, 1}, {3, 7}, {5, 16}, {2, 33}, {7, 131}, {31, 0}})
    EXPECT_EQ(compare_schedules(text, dims), "");
}

TEST(Schedule, PointwiseNestsAreJoinedIntoOneLoop) {
  const std::string text = R"(kernel @add(%x: f32[B,3,N], %y: f32[B,3,N]) -> (%z: f32[B,3,N]) {
    parallel i in 0..B { for j in 0..3 { vector k in 0..N { %z[i,j,k] = add(%x[i,j,k], %y[i,j,k]) } } } })";
  EXPECT_EQ(compare_schedules(text, {3, 7}), "");
  EXPECT_EQ(compare_schedules(text, {70, 131}), "");
}

TEST(Schedule, TransposesWriteAlongRowsAndReadInBlocks) {
  const std::string text = R"(kernel @t(%x: f32[N,B]) -> (%y: f32[B,N]) {
    parallel i in 0..B { vector j in 0..N { %y[i,j] = %x[j,i] } } })";
  for (const auto& dims : std::vector<std::vector<int64_t>>{{3, 7}, {17, 131}, {140, 70}})
    EXPECT_EQ(compare_schedules(text, dims), "");
}

TEST(Schedule, ChainsAndLanesOfAnyLengthRunNatively) {
  const std::string columns = R"(kernel @columns(%x: f32[B,N]) -> (%y: f32[N]) {
    parallel j in 0..N { var acc: f32 = 0.0
      for r in 0..B { acc = add(acc, %x[r,j]) }
      %y[j] = acc } })";
  for (const auto& dims : std::vector<std::vector<int64_t>>{{0, 5}, {1, 1}, {13, 7}, {5, 150}, {3, 67}})
    EXPECT_EQ(compare_schedules(columns, dims), "");
  for (const auto& [axes, name] : {std::pair<ops::Ints, const char*>{{1}, "rows"}, {{0}, "columns"}, {{0, 1}, "all"}})
    for (const std::vector<ir::Dim>& shape : {std::vector<ir::Dim>{3, 131}, {65, 7}, {1, 32}, {0, 5}, {70, 45}}) {
      ir::Graph graph;
      const ir::Value x = graph.add_parameter(ir::Type::of(ir::DType::f32, shape));
      const Kernel naive = lower_kernel(*ops::reduce_sum(x, axes).node, graph.facts(), name);
      EXPECT_EQ(compare_schedules(naive, {}), "");
    }
}

TEST(Schedule, ExplainSaysWhatWasDoneAndWhatWasRefused) {
  std::vector<std::string> notes;
  const auto explain = [&](const std::string& text) {
    schedule(ir::loops::parse_kernel(text).value(), runtime::IsaLevel::Avx2, &notes);
    return fmt::format("{}", fmt::join(notes, "; "));
  };
  EXPECT_EQ(explain("kernel @f(%x: f32[B,4]) -> (%y: f32[B,4]) { parallel i in 0..B { vector j in 0..4 { %y[i,j] = "
                    "neg(%x[i,j]) } } }"),
            "join i, j; vectorise ij by 8, 1");
  EXPECT_EQ(
      explain("kernel @f(%x: f32[B]) -> (%y: f32[B]) { parallel i in 0..B { if gt(%x[i], 0.0) { %y[i] = 1.0 } } }"),
      "left as written: it branches on data");
}

}  // namespace
}  // namespace strata::compiler
