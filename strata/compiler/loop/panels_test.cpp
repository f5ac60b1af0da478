// Columns that lie in panels and have to be decoded: groups of narrow integers, bf16, and blocks under a scale; read in
// place by register tiles and unpacked for many rows, naive against scheduled.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;

Kernel parse(const std::string& text) { return ir::loops::parse_kernel(text).value(); }

/// y[M, columns]: `x` and the buffer of `w` by dtype, `element` of w at j, k.
std::string product(const char* x, const std::string& w, const std::string& element, const char* sum, int64_t columns,
                    int64_t depth, int block) {
  const bool is_float = std::string(sum) == "f32";
  return fmt::format(R"(kernel @dot(%x: {0}[M,{1}], %w: {2}, %b: {3}[{4}]) -> (%y: {3}[M,{4}]) {{
    parallel i in 0..M {{ vector j in 0..{4} {{ var acc: {3} = {5}
      for k in 0..{1} joining acc by {6}, outer 1, inner 0 {{ acc = {7} }}
      %y[i,j] = add(acc, %b[j]) }} }} }})",
                     x, depth, w, sum, columns, is_float ? "0.0" : "0", block,
                     fmt::format(fmt::runtime(is_float ? "fma(cast({0}, %x[i,k]), {1}, acc)"
                                                       : "add(mul(cast({0}, %x[i,k]), {1}), acc)"),
                                 sum, element));
}

constexpr int64_t kWidth = 8;
int64_t panels(int64_t columns) { return (columns + kWidth - 1) / kWidth; }

std::string of_groups(const char* x, const char* w, int group, int64_t columns, int64_t depth) {
  return product(
      x, fmt::format("{}[{},{},{},{}]", w, panels(columns), (depth + group - 1) / group, kWidth, group),
      fmt::format("cast(i32, %w[floordiv(j, 8), floordiv(k, {0}), floormod(j, 8), floormod(k, {0})])", group), "i32",
      columns, depth, 256);
}
std::string of_halves(const char* w, int64_t columns, int64_t depth) {
  return product(w, fmt::format("{}[{},{},{}]", w, panels(columns), depth, kWidth),
                 "cast(f32, %w[floordiv(j, 8), k, floormod(j, 8)])", "f32", columns, depth, 4);
}
std::string of_pairs_of_halves(int64_t columns, int64_t depth) {
  std::string text = product("bf16", fmt::format("bf16[{},{},{},2]", panels(columns), (depth + 1) / 2, kWidth),
                             "cast(f32, %w[floordiv(j, 8), floordiv(k, 2), floormod(j, 8), floormod(k, 2)])", "f32",
                             columns, depth, 256);
  return text.replace(text.find("fma("), 4, "fma_flushed(");
}
/// Blocks of 32: a scale of one byte, and 16 bytes of two elements each, k and k + 16.
std::string of_blocks(int64_t columns, int64_t depth, int block) {
  const std::string byte = "%w[floordiv(j, 8), floordiv(k, 32) * 17 + {}, floormod(j, 8)]";
  const std::string half = "cast(u8, floordiv(floormod(k, 32), 16) * 4)";
  const std::string element = "mul(cast(f32, sub(cast(i32, and(shr_logical(" +
                              fmt::format(fmt::runtime(byte), "1 + floormod(k, 16)") + ", " + half +
                              "), 15)), 8)), cast(f32, " + fmt::format(fmt::runtime(byte), "0") + "))";
  return product("f32", fmt::format("u8[{},{},{}]", panels(columns), depth / 32 * 17, kWidth), element, "f32", columns,
                 depth, block);
}

/// How columns are read, beside rows in blocks of so many: where they are all rows of a task, tiles are unpacked one by
/// one.
struct FromPanels {
  const char* columns;
  int row_block;
};
constexpr FromPanels kFromPanels[] = {{"read columns in place", 6}, {"unpack columns", 6}, {"unpack columns", 12}};

std::string tiles(int64_t tile_columns, int64_t depth, int group, FromPanels how) {
  return fmt::format(
      "tile rows by 3, columns by {}, depth by {}; vectorise columns by 4; block rows by {}; parallel rows by 12, "
      "columns by 48; {}pack rows; {}",
      tile_columns, depth, how.row_block, group > 1 ? fmt::format("group depth by {}; ", group) : "", how.columns);
}

void expect_same(const std::string& text, const std::string& rewrites, int64_t rows, Run run) {
  const Kernel naive = parse(text);
  for (const machine::CpuTarget& cpu : {machine::kScalar, machine::kAvx2, machine::kAvx512Bf16}) {
    const Kernel scheduled = schedule(naive, cpu.vectors, nullptr, {.rewrites = rewrites});
    EXPECT_EQ(compare_kernels(naive, scheduled, {rows}, cpu, run), "") << rewrites << "\n"
                                                                       << text << ir::loops::print(scheduled);
  }
}

TEST(Panels, GroupsOfIntegers) {
  for (const FromPanels how : kFromPanels)
    for (const auto& [x, w, group] : std::vector<std::tuple<const char*, const char*, int>>{
             {"u8", "i8", 4}, {"i8", "u8", 4}, {"u8", "i8", 2}, {"i8", "i8", 2}, {"i16", "i16", 2}})
      for (const auto& [columns, depth] : {std::pair{9, 5}, {33, 37}, {16, 300}, {64, 8}})
        for (const int64_t rows : {0, 1, 7})
          expect_same(of_groups(x, w, group, columns, depth), tiles(depth == 8 ? 24 : 8, 256, group, how), rows,
                      rows == 7 ? Run::InterpretAndNative : Run::InterpretOnly);
}

/// Pairs that a register tile reads in place change places as they are read.
TEST(Panels, PairsOfFlushedHalfFloats) {
  for (const FromPanels how : kFromPanels)
    for (const auto& [columns, depth] : {std::pair{9, 5}, {33, 37}, {16, 300}, {64, 8}})
      for (const int64_t rows : {0, 1, 7}) {
        expect_same(of_pairs_of_halves(columns, depth), tiles(depth == 8 ? 24 : 8, 256, 2, how), rows,
                    rows == 7 ? Run::InterpretAndNative : Run::InterpretOnly);
      }
}

TEST(Panels, HalfFloats) {
  for (const FromPanels how : kFromPanels)
    for (const char* dtype : {"bf16", "f16"})
      for (const auto& [columns, depth] : {std::pair{9, 3}, {33, 37}, {64, 8}})
        for (const int64_t rows : {0, 1, 7})
          expect_same(of_halves(dtype, columns, depth), tiles(depth == 8 ? 24 : 8, 8, 1, how), rows,
                      rows == 7 ? Run::InterpretAndNative : Run::InterpretOnly);
}

/// Chains that end between blocks, and within them: then the depth is gone through one by one.
TEST(Panels, BlocksUnderAScale) {
  for (const FromPanels how : kFromPanels)
    for (const auto& [columns, depth] : {std::pair{9, 32}, {33, 160}, {64, 96}})
      for (const int block : {64, 16})
        for (const int64_t rows : {0, 1, 7})
          expect_same(of_blocks(columns, depth, block), tiles(columns == 64 ? 24 : 8, 64, 1, how), rows,
                      rows == 7 ? Run::InterpretAndNative : Run::InterpretOnly);
}

std::string lines_of(const std::string& text, const machine::CpuTarget& cpu) {
  ScheduleReport report;
  schedule(parse(text), cpu.vectors, &report);
  return fmt::format("{}", fmt::join(report.lines, "\n"));
}

std::string with_rows(std::string text, int64_t rows) {
  for (size_t at; (at = text.find('M')) != std::string::npos;) text.replace(at, 1, std::to_string(rows));
  return text;
}

TEST(Panels, FewRowsReadThemInPlaceAndManyUnpackThem) {
  for (const std::string& text :
       {of_groups("u8", "i8", 2, 64, 512), of_halves("bf16", 64, 512), of_blocks(64, 512, 256)}) {
    const std::string few = lines_of(with_rows(text, 4), machine::kAvx2), many = lines_of(text, machine::kAvx2);
    EXPECT_NE(few.find("read columns in place"), std::string::npos) << few;
    EXPECT_NE(many.find("unpack columns"), std::string::npos) << many;
    EXPECT_EQ(compare_schedules(parse(text), {31}), "");
    EXPECT_EQ(compare_schedules(parse(with_rows(text, 2)), {}), "");
  }
  EXPECT_NE(lines_of(of_groups("u8", "i8", 4, 64, 512), machine::kAvx512Vnni).find("group depth by 4"),
            std::string::npos);
}

/// A cast is done again for each tile of rows; a block under a scale is decoded once for all of them.
TEST(Panels, SeveralTilesOfRowsShareWhatIsCostlyToDecode) {
  for (const int64_t rows : {7, 8, 9, 16}) {
    const std::string cheap = with_rows(of_halves("bf16", 64, 512), rows),
                      costly = with_rows(of_blocks(64, 512, 256), rows);
    EXPECT_NE(lines_of(cheap, machine::kAvx2).find("read columns in place"), std::string::npos) << rows;
    EXPECT_NE(lines_of(costly, machine::kAvx2).find("columns unpacked as [k][column], tile by tile"), std::string::npos)
        << rows;
    EXPECT_EQ(compare_schedules(costly, {}), "") << rows;
  }
  const std::string of_one_tile = lines_of(with_rows(of_blocks(64, 512, 256), 6), machine::kAvx2);
  EXPECT_NE(of_one_tile.find("read columns in place"), std::string::npos) << of_one_tile;
}

/// Two elements of a column share a byte; the groups of a dot product are put together from them.
TEST(Panels, GroupsOfElementsThatShareBytes) {
  for (const FromPanels how : kFromPanels)
    for (const int group : {2, 4})
      for (const auto& [columns, depth] : {std::pair{9, 8}, {33, 36}, {16, 300}})
        for (const int64_t rows : {0, 1, 7}) {
          const std::string element =
              "cast(i8, sub(and(shr_logical(%w[floordiv(j, 8), floordiv(k, 2), floormod(j, 8)], cast(u8, floormod(k, "
              "2) "
              "* 4)), 15), 8))";
          const std::string text = product("u8", fmt::format("u8[{},{},{}]", panels(columns), depth / 2, kWidth),
                                           "cast(i32, " + element + ")", "i32", columns, depth, 256);
          expect_same(text, tiles(8, 256, group, how), rows, rows == 7 ? Run::InterpretAndNative : Run::InterpretOnly);
        }
}

/// Groups of another length than the target's are a matrix like any other.
TEST(Panels, OtherGroupsArePacked) {
  const std::string text = of_groups("u8", "i8", 4, 64, 512);
  EXPECT_EQ(lines_of(text, machine::kAvx2).find("in place"), std::string::npos);
  EXPECT_NE(base::message_of([&] {
              schedule(parse(text), machine::kAvx2.vectors, nullptr, {.rewrites = tiles(8, 256, 2, kFromPanels[0])});
            }).find("they don't lie in panels"),
            std::string::npos);
  EXPECT_EQ(compare_schedules(parse(text), {9}), "");
}

}  // namespace
}  // namespace strata::compiler
