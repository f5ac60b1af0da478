// The polyhedral scheduler: the examples, kinds of nests that it has to know, and what it refuses. Everything it makes
// gives the bits of the written order, and makes each element in the same way, at every instruction set level.
#include "strata/compiler/loop/poly/polyhedral_schedule.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/bytes/files.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using base::message_of;
using ir::loops::Kernel;

Kernel parse(const std::string& text) { return ir::loops::parse_kernel(text).value(); }

Kernel example(const std::string& name) { return parse(base::read_text("examples/loops/" + name + ".sloop").value()); }

/// For each level, the last sizes as machine code, too; the remarks of the last level.
std::vector<std::string> expect_same(const Kernel& naive, const std::string& rewrites,
                                     const std::vector<std::vector<int64_t>>& sizes) {
  ScheduleReport report;
  for (const machine::CpuTarget& cpu : {machine::kScalar, machine::kAvx2, machine::kAvx512}) {
    const Kernel scheduled = schedule(naive, cpu.vectors, &report, {.rewrites = rewrites});
    for (const std::vector<int64_t>& dims : sizes)
      EXPECT_EQ(compare_kernels(naive, scheduled, dims, cpu,
                                &dims == &sizes.back() ? Run::InterpretAndNative : Run::InterpretOnly),
                "")
          << rewrites << " of " << fmt::format("{}", fmt::join(dims, ", ")) << ir::loops::print(scheduled);
  }
  return report.lines;
}

bool has_line(const std::vector<std::string>& lines, const std::string& part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

/// Steps of time, and the side of the grid.
const std::vector<std::vector<int64_t>> kGrids = {{1, 1}, {1, 2}, {3, 3}, {2, 17}, {7, 13}, {13, 31}};

TEST(Polyhedral, RelaxesInPlaceAlongASlant) {
  const auto lines = expect_same(example("seidel"), "poly tile by 4, 5, 7", kGrids);
  EXPECT_TRUE(has_line(lines, "waves: tiles of b0, b1")) << fmt::format("{}", fmt::join(lines, "\n"));
  EXPECT_TRUE(has_line(lines, "innermost is b1, on lines where b1 + b2 is the same"));
  EXPECT_TRUE(has_line(lines, "2t + i + j"));
  expect_same(example("seidel"), "poly auto", kGrids);
}

TEST(Polyhedral, RelaxesBetweenTwoArraysByVectors) {
  const auto lines = expect_same(example("jacobi"), "poly tile by 2, 4, 8", kGrids);
  EXPECT_TRUE(has_line(lines, "innermost is b2: contiguous, and independent"));
}

TEST(Polyhedral, EliminatesByFullTilesInRegisters) {
  const std::vector<std::vector<int64_t>> sizes = {{1}, {2}, {7}, {16}, {31}, {67}};
  const auto lines = expect_same(example("lu"), "poly tile by 4, 8, 16, rows by 4, vectors by 2", sizes);
  EXPECT_TRUE(has_line(lines, "full tiles of S1 in registers: 4 rows")) << fmt::format("{}", fmt::join(lines, "\n"));
  expect_same(example("lu"), "poly auto", sizes);
}

TEST(Polyhedral, KeepsAsManyRowsOfAStageAsTheNextOneReads) {
  const std::vector<std::vector<int64_t>> sizes = {{1, 1}, {2, 3}, {5, 17}, {13, 31}, {3, 67}};
  const auto lines = expect_same(example("blur"), "poly tile by 16, 0", sizes);
  EXPECT_TRUE(has_line(lines, "%rows lies in [4,16] of a task")) << fmt::format("{}", fmt::join(lines, "\n"));
  // Apart, the whole image passes from one to the other: no task has it to itself.
  const auto apart = expect_same(example("blur"), "poly tile by 4, 16, apart", sizes);
  EXPECT_TRUE(has_line(apart, "one task: %rows passes values between tasks"));
  EXPECT_TRUE(has_line(apart, "%rows lies in [H + 2,W] of a task")) << fmt::format("{}", fmt::join(apart, "\n"));
}

TEST(Polyhedral, GivesEachTaskItsOwnLocals) {
  const Kernel kernel = parse(R"(kernel @sums(%x: f32[N,M], %w: f32[M]) -> (%y: f32[N]) {
    for i in 0..N {
      var acc: f32 = 0.0
      for k in 0..M {
        let p: f32 = %x[i, k]
        acc = fma(p, %w[k], acc)
      }
      %y[i] = acc
    } })");
  const auto lines = expect_same(kernel, "poly auto", {{0, 0}, {1, 0}, {3, 5}, {17, 1}, {33, 7}});
  EXPECT_TRUE(has_line(lines, "a task is a tile of b0")) << fmt::format("{}", fmt::join(lines, "\n"));
}

TEST(Polyhedral, KnowsBranchesStepsMasksQuotientsAndReversedLoops) {
  const Kernel kernel = parse(R"(kernel @odd(%a: inout f32[N + 2], %b: inout f64[N + 2,N + 2], %at: i64[N]) -> () {
    for i in 0..N step 3 {
      if lt(i, N - 2) { %a[i + 2] = add(%a[i], 1.0) } else { %a[N - i] = 2.0 }
    }
    for i in 0..N { for j in i..min(N, i + 5) {
      %b[i, j] = add(%b[floordiv(j, 2), floormod(i, 3)], cast(f64, %a[N - 1 - i])) where gt(%b[i, j + 1], 0.0)
      %a[j] = cast(f32, cast(f64, i + j))
    } } })");
  expect_same(kernel, "poly tile by 2", {{0}, {1}, {2}, {7}, {13}});
  expect_same(kernel, "poly apart", {{0}, {5}, {11}});
}

TEST(Polyhedral, TakesAProductOfDimensionsForAParameterOfItsOwn) {
  const Kernel kernel = parse(R"(kernel @flat(%a: inout f32[N * M + 1]) -> () {
    for i in 0..N * M { %a[i + 1] = add(%a[i], %a[i + 1]) } })");
  expect_same(kernel, "poly auto", {{0, 3}, {1, 1}, {5, 7}});
}

TEST(Polyhedral, LeavesWhatAnInputIsReadAtFree) {
  const Kernel kernel = parse(R"(kernel @rows(%t: f32[2,M], %at: i64[N]) -> (%y: f32[N,M]) {
    for i in 0..N { for j in 0..M { %y[i, j] = %t[%at[i], j] } } })");
  expect_same(kernel, "poly tile by 4, 8", {{0, 1}, {5, 17}, {13, 3}});
}

TEST(Polyhedral, PrintsAScheduleThatMakesTheSameLoops) {
  for (const char* name : {"seidel", "lu", "blur", "jacobi"}) {
    const Kernel naive = example(name);
    ScheduleReport report;
    const Kernel chosen = schedule(naive, machine::kAvx2.vectors, &report, {.rewrites = "poly auto"});
    const Kernel again = schedule(naive, machine::kAvx2.vectors, nullptr,
                                  {.rewrites = fmt::format("{}", fmt::join(report.lines, "\n"))});
    EXPECT_EQ(ir::loops::print(again), ir::loops::print(chosen));
  }
}

TEST(Polyhedral, ReadsCoefficientsInIndicesAndBounds) {
  for (const std::string body : {
           "for i in 0..N { %y[2*i] = %v[i] }",
           "for i in 0..N { %y[i*2 + 1] = %v[i] }",
           "for i in 0..N { %y[2*N - 1 - i] = %v[i] }",
           "for i in 0..N { %y[-2*i + 2*N] = %v[i] }",
           "for i in 0..2*N { %y[i] = %v[floordiv(i, 2)] }",
           "for i in 0..2*N { %y[floormod(3*i, 4)] = %v[floordiv(i, 2)] }",
           "for i in 0..min(2*N, M) { %y[max(3*i - 2, 0)] = 1.0 }",
           "for i in 0..N { if lt(3*i, 2*N) { %y[3*(i + 1)] = %v[i] } }",
       }) {
    const Kernel naive = parse("kernel @k(%v: f32[N], %w: f32[M], %y: inout f32[5*N + 5]) -> () { " + body + " }");
    expect_same(naive, "poly auto", {{0, 0}, {1, 3}, {2, 2}, {7, 5}, {31, 17}});
  }
}

TEST(Polyhedral, TakesAnyNameOfLoopsDimensionsAndArrays) {
  for (const std::string name : {"nan", "NaN", "infty", "infinity", "Exists", "floor", "CEIL", "rat", "implies", "int"})
    expect_same(parse(fmt::format("kernel @k(%v: f32[{0}], %{0}: inout f32[{0}]) -> () {{\n"
                                  "  for {0}_ in 0..{0} {{ %{0}[{0}_] = %v[{0}_] }} }}",
                                  name)),
                "poly auto", {{0}, {1}, {17}});
  expect_same(parse("kernel @k(%v: f32[N], %y: inout f32[N]) -> () { for nan in 0..N { %y[nan] = %v[nan] } }"),
              "poly auto", {{0}, {1}, {17}});
}

// Refusals.

std::string refusal(const std::string& text, const std::string& rewrites = "poly auto") {
  const std::string message =
      message_of([&] { schedule(parse(text), machine::kAvx2.vectors, nullptr, {.rewrites = rewrites}); });
  return message.substr(0, message.find("\nnote: the schedule"));
}

TEST(Polyhedral, NamesTheLineThatIsNoStaticControlPart) {
  EXPECT_EQ(
      refusal("kernel @k(%a: inout f32[N], %n: i64[1]) -> () {\n  for i in 0..%n[0] { %a[i] = 1.0 }\n}"),
      "error[E0340]: @k is no static control part: line 2: a bound is not affine in loop variables and dimensions\n"
      "note: in: for i in 0..%n[0] { ... }");
  EXPECT_EQ(
      refusal("kernel @k(%a: inout f32[N]) -> () {\n  for i in 0..N {\n    if gt(%a[i], 0.0) { %a[i] = 1.0 }\n  } }"),
      "error[E0340]: @k is no static control part: line 3: the condition is not affine in loop variables and "
      "dimensions\nnote: in: if gt(%a[i], 0.0) { ... }");
  EXPECT_EQ(
      refusal("kernel @k(%a: inout f32[N], %p: i64[N]) -> () { for i in 0..N {\n\n %a[%p[i]] = 1.0 } }"),
      "error[E0340]: @k is no static control part: line 3: an index of %a, which is written, is not affine in loop "
      "variables and dimensions: %p[i]\nnote: in: %a[%p[i]] = 1.0");
  EXPECT_EQ(
      refusal("kernel @k(%a: inout f32[N]) -> () { for i in 0..N { for j in 0..i {\n %a[i * j] = 1.0 } } }"),
      "error[E0340]: @k is no static control part: line 2: an index of %a, which is written, is not affine in loop "
      "variables and dimensions: i*j\nnote: in: %a[i*j] = 1.0");
  EXPECT_EQ(refusal("kernel @k(%a: inout f32[N]) -> () { var n: i64 = 0\nwhile lt(n, N) { %a[n] = 1.0 n = n + 1 } }"),
            "error[E0340]: @k is no static control part: line 2: a while loop runs as often as the data say\n"
            "note: in: while lt(n, N) { ... }");
  EXPECT_EQ(
      refusal("kernel @k(%a: f32[N]) -> (%y: f32[1]) { var s: f32 = 0.0\n"
              "for i in 0..N joining s by 2, outer 1, inner 0 { s = add(s, %a[i]) } %y[0] = s }"),
      "error[E0340]: @k is no static control part: line 2: a joining loop sums block by block, in an order that is "
      "not affine\nnote: in: for i in 0..N joining s by 2, outer 1, inner 0 { ... }");
}

TEST(Polyhedral, GivesUpAfterSoManyOperations) {
  const std::string message = message_of(
      [] { schedule(example("seidel"), machine::kAvx2.vectors, nullptr, {.rewrites = "poly effort by 1"}); });
  EXPECT_EQ(message.substr(0, message.find("\nnote")),
            "error[E0341]: the polyhedral scheduler gave up after 1 thousand operations of isl, at @seidel");
}

TEST(Polyhedral, RefusesSchedulesThatCannotBe) {
  const std::string one = "kernel @k(%a: inout f32[N]) -> () { for i in 0..N { %a[i] = 1.0 } }";
  EXPECT_EQ(refusal(one, "poly tile by 4, 4"),
            "error[E0317]: `poly tile` has 2 sizes for bands of at most 1 coordinates");
  EXPECT_EQ(refusal(one, "poly tile"), "error[E0317]: `poly tile` takes the sizes of tiles: `poly tile by 32, 32`");
  EXPECT_EQ(refusal(one, "poly tile by 2000000"),
            "error[E0317]: `poly tile` takes sizes of 1 to 1048576, or 0 for what is not cut, found 2000000");
  EXPECT_EQ(refusal(one, "poly lanes by 3"), "error[E0317]: `poly lanes` takes a power of two, found 3");
  EXPECT_EQ(refusal(one, "poly skew"), "error[E0317]: `poly skew` is no rewrite of this kind of nest, or stands twice");
  EXPECT_EQ(refusal(one, "poly auto; vectorise i by 8, 1"),
            "error[E0317]: `poly` stands alone: it is the whole schedule");
}

}  // namespace
}  // namespace strata::compiler
