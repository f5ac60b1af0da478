// Nests whose points are programs of matrices: every schedule gives the bits of the naive loops, masks by row, by
// column and none; a text is taken as it stands, and what does not fit is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "strata/base/error/message_of.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::parse_kernel;

/// y = (x w) v, a point of B a task. Of the first product counts what `where` (of i, j and k) says.
std::string two_products(int rows, int depth, int columns, int width, const std::string& where = "") {
  const auto side = [&](const std::string& load) {
    return where.empty() ? load : fmt::format("select({}, {}, 0.0)", where, load);
  };
  return fmt::format(
      R"(kernel @two(%x: f32[B,{0},{1}], %w: f32[B,{1},{2}], %v: f32[B,{2},{3}]) -> (%y: f32[B,{0},{3}]) {{
    parallel b in 0..B {{
      scratch %t: f32[{0},{2}]
      for i in 0..{0} {{ for j in 0..{2} {{ var s: f32 = 0.0
        for k in 0..{1} {{ s = fma({4}, {5}, s) }}
        %t[i,j] = mul(s, 0.5) }} }}
      for i in 0..{0} {{ for d in 0..{3} {{ var s: f32 = 0.0
        for j in 0..{2} {{ s = fma(%t[i,j], %v[b,j,d], s) }}
        %y[b,i,d] = s }} }} }} }})",
      rows, depth, columns, width, side("%x[b,i,k]"), side("%w[b,k,j]"));
}

std::string lines_of(const std::string& text, const std::string& rewrites = "") {
  ScheduleReport report;
  schedule(parse_kernel(text).value(), machine::kAvx2.vectors, &report, {.rewrites = rewrites, .is_strict = true});
  return fmt::format("{}", fmt::join(report.lines, "; "));
}

constexpr const char* kByRow = "le(k, i + 2)";
constexpr const char* kByColumn = "lt(k * 3, j + 7)";
constexpr const char* kUneven = "lt(floormod(k * 5 + j, 4), 3)";  // not known from corners

TEST(MatrixPrograms, SchedulesKeepTheBitsWhateverIsMasked) {
  constexpr std::array<int, 4> kSizes[] = {{1, 1, 1, 1}, {7, 5, 19, 6}, {16, 8, 32, 40}, {13, 31, 3, 17}};
  for (const char* where : {"", kByRow, kByColumn, kUneven})
    for (const auto& [rows, depth, columns, width] : kSizes)
      for (const int64_t points : {0, 1, 3})
        EXPECT_EQ(compare_schedules(two_products(rows, depth, columns, width, where), {points}), "");
}

TEST(MatrixPrograms, VariationsAndWhatATunerChangesKeepTheBits) {
  for (const char* where : {"", kByRow, kByColumn}) {
    const auto naive = std::move(parse_kernel(two_products(13, 9, 21, 18, where)).value());
    EXPECT_EQ(compare_variations(naive, {2}), "");
    EXPECT_EQ(compare_mutations(naive, {2}, 11), "");
  }
}

TEST(MatrixPrograms, TheTextSaysTheTilesAndThoseOfProductsThatHideSteps) {
  EXPECT_EQ(lines_of(two_products(7, 5, 19, 6)), "vectorise columns by 8; tile rows by 6, columns by 16");
  EXPECT_EQ(lines_of(two_products(7, 5, 19, 6, kByRow)),
            "vectorise columns by 8; tile rows by 6, columns by 16, masked rows by 8");
}

TEST(MatrixPrograms, AGivenScheduleIsTakenAndAMisfitSaysWhy) {
  const std::string plain = two_products(7, 5, 19, 6), masked = two_products(7, 5, 19, 6, kByColumn);
  const std::string tiles = "vectorise columns by 4; tile rows by 3, columns by 12", rows = ", masked rows by 5";
  EXPECT_EQ(lines_of(plain, tiles), tiles);
  EXPECT_EQ(lines_of(masked, tiles + rows), tiles + rows);
  const auto refusal = [](const std::string& text, const std::string& rewrites) {
    const std::string message = base::message_of([&] { lines_of(text, rewrites); });
    return message.substr(0, message.find('\n'));
  };
  const std::string none = " is no rewrite of this kind of nest, or stands twice";
  EXPECT_EQ(refusal(masked, tiles), "error[E0317]: this schedule lacks `tile masked rows`");
  EXPECT_EQ(refusal(plain, tiles + rows), "error[E0317]: `tile masked rows by 5`" + none);
  EXPECT_EQ(refusal(plain, tiles + "; parallel strip by 16"), "error[E0317]: `parallel strip by 16`" + none);
  EXPECT_EQ(refusal(plain, "vectorise strip by 8; tile rows by 3, strip by 16; parallel strip by 32"),
            "error[E0317]: this schedule lacks `vectorise columns`");
  EXPECT_EQ(refusal(plain, "vectorise columns by 8; tile rows by 3, columns by 12"),
            "error[E0317]: `tile columns` takes a multiple of the vector's 8, found 12");
}

}  // namespace
}  // namespace strata::compiler
