// Schedules keep the bits: nests of each kind at odd sizes, naive against scheduled. Every op's samples are in
// sample_schedules_test.cpp.
#include "strata/compiler/loop/schedule.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/reduce/reduce.h"

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

/// What lies beside each other along the rows: cut from three sides, or padded.
constexpr const char* kParts = R"(kernel @parts(%a: f32[B,5], %b: f32[B,40], %c: f32[B,23]) -> (%y: f32[B,68]) {
    parallel i in 0..B { vector j in 0..68 {
      %y[i,j] = add(select(lt(j, 5), %a[i,min(j, 4)], 0.0),
                    select(and(le(0, j - 5), lt(j - 5, 40)), %b[i,max(0, min(j - 5, 39))],
                           select(le(45, j), %c[i,max(0, min(j - 45, 22))], 1.0))) } } })";

TEST(Schedule, ALoopIsCutWhereConditionsOnItChange) {
  for (const int64_t rows : {0, 1, 7, 300}) EXPECT_EQ(compare_schedules(kParts, {rows}), "");
  const std::string text = ir::loops::print(schedule(ir::loops::parse_kernel(kParts).value(), machine::kAvx2.vectors));
  EXPECT_EQ(text.find("select"), std::string::npos) << text;
}

TEST(Schedule, ALoopWhoseConditionsReadMemoryOrAnotherLoopStaysWhole) {
  const std::string diagonal = R"(kernel @tril(%x: f32[B,9]) -> (%y: f32[B,9]) {
    parallel i in 0..B { vector j in 0..9 { %y[i,j] = select(le(j, i), %x[i,j], 0.0) } } })";
  const std::string chosen = R"(kernel @chosen(%x: f32[B,9], %n: i64[]) -> (%y: f32[B,9]) {
    parallel i in 0..B { vector j in 0..9 { %y[i,j] = select(lt(j, %n[]), %x[i,j], 0.0) } } })";
  for (const int64_t rows : {1, 17}) {
    EXPECT_EQ(compare_schedules(diagonal, {rows}), "");
    EXPECT_EQ(compare_schedules(chosen, {rows}), "");
  }
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
  const auto explain = [&](const std::string& text) {
    ScheduleReport report;
    schedule(ir::loops::parse_kernel(text).value(), machine::kAvx2.vectors, &report);
    return fmt::format("{}", fmt::join(report.lines, "; "));
  };
  EXPECT_EQ(explain("kernel @f(%x: f32[B,4]) -> (%y: f32[B,4]) { parallel i in 0..B { vector j in 0..4 { %y[i,j] = "
                    "neg(%x[i,j]) } } }"),
            "# join i, j; vectorise ij by 8, 4, 1; parallel points by 8192");
  EXPECT_EQ(explain("kernel @f(%x: f32[B]) -> (%y: f32[B]) { parallel i in 0..B { var s: f32 = %x[i] while gt(s, 1.0) "
                    "{ s = mul(s, 0.5) } %y[i] = s } }"),
            "# left as written: it branches on data");
}

/// The code and message with which a text is refused for a kernel; "taken" if it is not.
std::string refusal(const std::string& kernel, const std::string& rewrites) {
  try {
    schedule(ir::loops::parse_kernel(kernel).value(), machine::kAvx2.vectors, nullptr, {.rewrites = rewrites});
  } catch (const base::Error& error) {
    return std::string(error.code()) + " " + error.message();
  }
  return "taken";
}

TEST(Schedule, ATextThatIsNoListOfRewritesIsRefused) {
  const std::string kernel = "kernel @f(%x: f32[B]) -> (%y: f32[B]) { parallel i in 0..B { %y[i] = neg(%x[i]) } }";
  EXPECT_EQ(refusal(kernel, "vectorise i by 8, 1; parallel points by 64  # a comment"), "taken");
  EXPECT_EQ(refusal(kernel, "vectorise"), "E0316 `vectorise`: it does not say to what");
  EXPECT_EQ(refusal(kernel, "vectorise i by eight"),
            "E0316 `vectorise i by eight`: expected a number of at most 16777216, found `eight`");
  EXPECT_EQ(refusal(kernel, "tile i by 99999999999999999999"),
            "E0316 `tile i by 99999999999999999999`: expected a number of at most 16777216, found "
            "`99999999999999999999`");
  EXPECT_EQ(refusal(kernel, "vectorise , i by 8"),
            "E0316 `vectorise , i by 8`: a comma stands before nothing that is named");
}

TEST(Schedule, RewritesThatAreNoScheduleOfTheNestAreRefused) {
  const std::string points = "kernel @f(%x: f32[B]) -> (%y: f32[B]) { parallel i in 0..B { %y[i] = neg(%x[i]) } }";
  EXPECT_EQ(refusal(points, "vectorise j by 8, 1; parallel points by 64"), "E0317 the nest has no loop j; it has i");
  EXPECT_EQ(refusal(points, "vectorise i by 8; parallel points by 64"),
            "E0317 `vectorise i` ends with 1: what is left over");
  EXPECT_EQ(refusal(points, "vectorise i by 7, 1; parallel points by 64"),
            "E0317 `vectorise i` takes powers of two of at most 64, widest first, found 7");
  EXPECT_EQ(refusal(points, "vectorise i by 8, 1"), "E0317 this schedule lacks `parallel points`");
  EXPECT_EQ(refusal(points, "vectorise i by 8, 1; parallel points by 64; tile i by 3"),
            "E0317 `tile i by 3` is no rewrite of this kind of nest, or stands twice");
  EXPECT_EQ(refusal(points, "vectorise lanes by 8; parallel points by 64"),
            "E0317 the rows of this nest have no lanes");
  EXPECT_EQ(refusal(points, "vectorise i by 8, 1; parallel lines by 4, elements by 4"),
            "E0317 `parallel lines` takes a nest of two loops or more");
  EXPECT_EQ(refusal(points, "window columns"), "E0317 the nest is no product, and has no windows");
  const std::string halving =
      "kernel @f(%x: f32[B]) -> (%y: f32[B]) { parallel i in 0..B { var s: f32 = %x[i] while gt(s, 1.0) { s = mul(s, "
      "0.5) } %y[i] = s } }";
  EXPECT_EQ(refusal(halving, "parallel points by 64"), "taken");
  EXPECT_EQ(refusal(halving, "vectorise i by 8, 1; parallel points by 64"),
            "E0317 the body has no vector form along i: it branches on data");
  EXPECT_EQ(refusal(halving, "vectorise inner by 8, 1; parallel points by 64"),
            "E0317 no loop inside of this nest is independent: `vectorise inner` has nothing to do");
  EXPECT_EQ(refusal("kernel @f(%x: f32[0]) -> (%y: f32[0]) { parallel i in 0..0 { %y[i] = neg(%x[i]) } }",
                    "parallel points by 64"),
            "E0317 the kernel takes no schedule: no element is written");
}

TEST(Schedule, ATilingThatCannotBeIsRefused) {
  const std::string product = R"(kernel @dot(%x: f32[M,K], %w: f32[K,N]) -> (%y: f32[M,N]) {
    parallel i in 0..M { vector j in 0..N { var acc: f32 = 0.0
      for k in 0..K joining acc by 64, outer 1, inner 0 { acc = fma(%x[i,k], %w[k,j], acc) }
      %y[i,j] = acc } } })";
  const auto with = [&](const std::string& part, const std::string& other) {
    std::string text =
        "tile rows by 4, columns by 16, depth by 64; vectorise columns by 8; block rows by 8; parallel rows by 16, "
        "columns by 32; pack rows, columns";
    return refusal(product, text.replace(text.find(part), part.size(), other));
  };
  EXPECT_EQ(with("block", "block"), "taken");
  EXPECT_EQ(with("columns by 16", "columns by 12"),
            "E0317 `tile columns` takes a multiple of the vector's 8, found 12");
  EXPECT_EQ(with("rows by 8", "rows by 9"), "E0317 `block rows` takes a multiple of the tile's 4, found 9");
  EXPECT_EQ(with("columns by 32", "columns by 32, images by 1"),
            "E0317 the columns of this product are not those of images");
  EXPECT_EQ(with("columns by 32", "columns by 32, images by 2"),
            "E0317 `parallel images` takes one number of 1 to 1, found 2");
  EXPECT_EQ(with("rows by 4", "rows by 0"), "E0317 `tile rows` takes one number of 1 to 64, found 0");
  EXPECT_EQ(with("rows by 4", "rows by 64"), "E0317 a tile of 64 rows by 2 vectors has more than 64 sums");
  EXPECT_EQ(with("depth by 64", "depth by 65536"), "taken");
  EXPECT_EQ(with("depth by 64", "depth by 96"), "E0317 a panel of depth 96 is no multiple of the 64 terms of a block");
  EXPECT_EQ(with("columns by 32", "columns by 65536"), "taken");
  EXPECT_EQ(with("pack rows, ", "pack "),
            "E0317 rows can't be read in place: they are computed, or not contiguous along the depth");
  EXPECT_EQ(with("pack rows, columns", "pack rows"), "E0317 this schedule lacks `pack columns`");
  EXPECT_EQ(with("pack", "window columns; pack"), "E0317 the nest reads no windows along columns");
}

}  // namespace
}  // namespace strata::compiler
