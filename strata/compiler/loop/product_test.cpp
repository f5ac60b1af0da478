// Tiled contractions keep the bits: every tail, layout and dtype, with small tiles, naive against scheduled.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;
using machine::CpuTarget;

Kernel parse(const std::string& text) { return ir::loops::parse_kernel(text).value(); }

/// Tiles so small that a few dozen elements have whole tiles, tails and several panels on each axis.
std::string small_tiles(int64_t depth) {
  return fmt::format(
      "tile rows by 3, columns by 8, depth by {}; vectorise columns by 4; block rows by 6; parallel rows by 12, "
      "columns by 16; ",
      depth);
}

void expect_same_by(const std::string& rewrites, const std::string& text, const std::vector<int64_t>& dims, Run run) {
  const Kernel naive = parse(text);
  const Kernel scheduled = schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = rewrites});
  EXPECT_EQ(compare_kernels(naive, scheduled, dims, machine::kAvx2, run), "")
      << rewrites << text << ir::loops::print(scheduled);
}

void expect_same(const std::string& text, const std::vector<int64_t>& dims, Run run = Run::InterpretOnly,
                 int64_t depth = 8) {
  expect_same_by(small_tiles(depth) + "pack rows, columns", text, dims, run);
  expect_same_by(small_tiles(depth) + "pack rows, columns; exchange rows and columns", text, dims, run);
}

/// `block`: terms of the chains that are joined.
std::string matmul(const std::string& x, const std::string& w, const std::string& x_at, const std::string& w_at,
                   const std::string& type = "f32", const std::string& step = "fma(%x[{}], %w[{}], acc)",
                   int64_t block = 4) {
  std::string made = step;
  made.replace(made.find("{}"), 2, x_at);
  made.replace(made.find("{}"), 2, w_at);
  return fmt::format(R"(kernel @dot(%x: {0}[{1}], %w: {0}[{2}], %b: {0}[N]) -> (%y: {0}[M,N]) {{
    parallel i in 0..M {{ vector j in 0..N {{ var acc: {0} = 0{3}
      for k in 0..K joining acc by {5}, outer 1, inner 0 {{ acc = {4} }}
      %y[i,j] = add(acc, %b[j]) }} }} }})",
                     type, x, w, type[0] == 'f' ? ".0" : "", made, block);
}

const std::vector<std::vector<int64_t>> kSizes = {{1, 1, 1},    {3, 8, 8},   {7, 9, 5}, {13, 33, 17},
                                                  {12, 16, 24}, {25, 3, 40}, {5, 7, 0}, {0, 4, 3}};

/// Sizes are (M, N, K); a kernel's dims come in the order of its shapes.
std::vector<int64_t> in_order(const std::string& text, const std::vector<int64_t>& mnk) {
  std::vector<int64_t> dims;
  for (const std::string& name : parse(text).dims) dims.push_back(mnk[name == "M" ? 0 : name == "N" ? 1 : 2]);
  return dims;
}

TEST(TiledContraction, EveryTransposedFormAndSize) {
  for (const auto& [x, x_at] : {std::pair{"M,K", "i,k"}, {"K,M", "k,i"}})
    for (const auto& [w, w_at] : {std::pair{"K,N", "k,j"}, {"N,K", "j,k"}}) {
      const std::string text = matmul(x, w, x_at, w_at);
      for (const auto& size : kSizes) expect_same(text, in_order(text, size));
      expect_same(text, in_order(text, {13, 33, 17}), Run::InterpretAndNative);
    }
}

TEST(TiledContraction, ChosenTilesRunNativelyAtEveryLevel) {
  for (const int64_t block : {256, 16, 7}) {
    const std::string text = matmul("M,K", "N,K", "i,k", "j,k", "f32", "fma(%x[{}], %w[{}], acc)", block);
    EXPECT_EQ(compare_schedules(parse(text), in_order(text, {31, 67, 300})), "");
    const std::string other = matmul("K,M", "K,N", "k,i", "k,j", "f32", "fma(%x[{}], %w[{}], acc)", block);
    EXPECT_EQ(compare_schedules(parse(other), in_order(other, {29, 70, 19})), "");
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

TEST(TiledContraction, TasksOfKnownExtentsDifferByOneTileAtMost) {
  std::string text = matmul("M,K", "N,K", "i,k", "j,k");
  for (const auto& [name, extent] : {std::pair{"M", "37"}, {"N", "53"}, {"K", "9"}})
    for (const char* around : {"[{},", ",{}]", "[{}]", "0..{} "}) {
      const std::string form = around;
      const auto with = [&](const char* what) { return replaced(form, "{}", what); };
      text = replaced(text, with(name), with(extent));
    }
  expect_same(text, {}, Run::InterpretAndNative);
  const auto scheduled =
      schedule(parse(text), machine::kAvx2.vectors, nullptr, {.rewrites = small_tiles(8) + "pack rows, columns"});
  EXPECT_NE(ir::loops::print(scheduled).find("floordiv(t1*7, 4)*8"), std::string::npos) << ir::loops::print(scheduled);
}

TEST(TiledContraction, ResultsThatRunAlongTheRowsAreStoredColumnByColumn) {
  const std::string text =
      replaced(replaced(matmul("M,K", "K,N", "i,k", "k,j"), "%y: f32[M,N]", "%y: f32[N,M]"), "%y[i,j]", "%y[j,i]");
  for (const auto& size : kSizes) expect_same(text, in_order(text, size));
  expect_same(text, in_order(text, {13, 33, 17}), Run::InterpretAndNative);
  EXPECT_EQ(compare_schedules(parse(text), in_order(text, {31, 67, 300})), "");
}

TEST(TiledContraction, RowsInPlaceAreReadAsTheyLieAndACutTileIsPacked) {
  const std::string rewrites = small_tiles(8) + "pack columns";
  for (const char* type : {"f32", "f64"}) {
    const std::string text = matmul("M,20", "20,N", "i,k", "k,j", type);
    std::string fixed = text;
    fixed.replace(fixed.find("0..K"), 4, "0..20");
    for (const auto& [m, n] : {std::pair{0, 3}, {1, 1}, {3, 8}, {7, 9}, {13, 33}, {25, 16}})
      expect_same_by(rewrites, fixed, {m, n}, Run::InterpretAndNative);
  }
}

/// A product whose columns lie in panels of 8, and are read as the matrix that they came from.
std::string on_panels(int64_t columns, int64_t depth) {
  return fmt::format(R"(kernel @dot(%x: f32[M,{1}], %w: f32[{2},{1},8], %b: f32[{0}]) -> (%y: f32[M,{0}]) {{
    parallel i in 0..M {{ vector j in 0..{0} {{ var acc: f32 = 0.0
      for k in 0..{1} joining acc by 4, outer 1, inner 0 {{ acc = fma(%x[i,k], %w[floordiv(j, 8),k,floormod(j, 8)], acc) }}
      %y[i,j] = add(acc, %b[j]) }} }} }})",
                     columns, depth, (columns + 7) / 8);
}

TEST(TiledContraction, ColumnsInPanelsAreReadInPlace) {
  for (const int64_t tile : {8, 16, 24})
    for (const int64_t columns : {9, 16, 33, 40, 64})
      for (const int64_t depth : {2, 8, 17})
        for (const char* rows : {"pack rows; ", ""}) {
          const std::string rewrites = fmt::format(
              "tile rows by 3, columns by {}, depth by 8; vectorise columns by 4; block rows by 6; parallel rows by "
              "12, "
              "columns by 48; {}",
              tile, rows);
          for (const char* how : {"read columns in place", "unpack columns"})
            for (const int64_t m : {0, 1, 3, 13})
              expect_same_by(rewrites + how, on_panels(columns, depth), {m},
                             m == 13 ? Run::InterpretAndNative : Run::InterpretOnly);
        }
}

TEST(TiledContraction, ColumnsInPanelsAreChosenToBeReadInPlaceAndThoseOfAMatrixAreNot) {
  const auto schedule_of = [](const std::string& text) {
    ScheduleReport report;
    schedule(parse(text), machine::kAvx2.vectors, &report);
    std::string lines;
    for (const std::string& line : report.lines) lines += line + "\n";
    return lines;
  };
  EXPECT_NE(schedule_of(on_panels(33, 17)).find("read columns in place"), std::string::npos);
  EXPECT_EQ(compare_schedules(parse(on_panels(33, 300)), {31}), "");
  EXPECT_EQ(compare_schedules(parse(on_panels(80, 19)), {5}), "");
  EXPECT_EQ(schedule_of(matmul("M,K", "K,N", "i,k", "k,j")).find("in place"), std::string::npos);
}

/// The images of a batch are panels as wide as an image.
TEST(TiledContraction, ImagesOfAnyWidthAreNoReasonForTilesOfThatWidth) {
  for (const int64_t pixels : {16, 48, 784, 3136}) {
    const std::string text = fmt::format(R"(kernel @conv(%w: f32[24,20], %x: f32[2,20,{0}]) -> (%y: f32[2,24,{0}]) {{
      parallel n in 0..2 {{ for o in 0..24 {{ vector p in 0..{0} {{ var acc: f32 = 0.0
        for c in 0..20 joining acc by 256, outer 1, inner 0 {{ acc = fma(%w[o,c], %x[n,c,p], acc) }}
        %y[n,o,p] = acc }} }} }} }})",
                                         pixels);
    EXPECT_EQ(compare_schedules(parse(text), {}), "") << pixels;
  }
}

TEST(TiledContraction, ColumnsThatLieInNoPanelsOfTheTileAreRefused) {
  const auto refusal = [](const std::string& text, int columns) -> std::string {
    try {
      schedule(
          parse(text), machine::kAvx2.vectors, nullptr,
          {.rewrites = fmt::format("tile rows by 3, columns by {}, depth by 8; vectorise columns by 4; block rows by "
                                   "6; parallel rows by 12, columns by {}; pack rows; read columns in place",
                                   columns, 4 * columns)});
    } catch (const base::Error& error) {
      return error.text();
    }
    return "";
  };
  EXPECT_NE(refusal(matmul("M,K", "K,N", "i,k", "k,j"), 8).find("E0317"), std::string::npos);
  EXPECT_NE(refusal(matmul("M,K", "K,N", "i,k", "k,j"), 8).find("they don't lie in panels"), std::string::npos);
  EXPECT_NE(refusal(on_panels(33, 17), 12).find("columns lie in panels of 8"), std::string::npos);
}

TEST(TiledContraction, DoublesAndIntegers) {
  expect_same(matmul("M,K", "K,N", "i,k", "k,j", "f64"), {7, 11, 9}, Run::InterpretAndNative);
  const std::string whole = matmul("M,K", "K,N", "i,k", "k,j", "i32", "add(mul(%x[{}], %w[{}]), acc)");
  expect_same(whole, in_order(whole, {7, 9, 11}), Run::InterpretAndNative);
}

TEST(TiledContraction, BatchesAndProductsOfOneColumn) {
  const std::string batched = R"(kernel @attention(%q: f32[B,T,5], %k: f32[B,T,5]) -> (%s: f32[B,T,T]) {
    parallel b in 0..B { for i in 0..T { vector j in 0..T { var acc: f32 = 0.0
      for d in 0..5 joining acc by 2, outer 1, inner 0 { acc = fma(%q[b,i,d], %k[b,j,d], acc) }
      %s[b,i,j] = acc } } } })";
  expect_same(batched, {3, 13}, Run::InterpretAndNative);
  const std::string vector = R"(kernel @matvec(%x: f32[M,K], %v: f32[K]) -> (%y: f32[M]) {
    parallel i in 0..M { var acc: f32 = 0.0
      for k in 0..K joining acc by 8, outer 1, inner 0 { acc = fma(%x[i,k], %v[k], acc) }
      %y[i] = acc } })";
  expect_same(vector, {23, 19}, Run::InterpretAndNative);
}

/// A convolution's columns are images and positions, its depth channels and windows; padding is a select.
std::string convolution(int pad, int64_t block) {
  return fmt::format(R"(kernel @conv(%x: f32[B,2,6,7], %w: f32[4,2,3,3]) -> (%y: f32[B,4,{0},{1}]) {{
    parallel o in 0..4 {{ for n in 0..B {{ for h in 0..{0} {{ vector v in 0..{1} {{ var acc: f32 = 0.0
      for c in 0..2 joining acc by {3}, outer 1, inner 2 {{ for p in 0..3 {{ for q in 0..3 {{
        acc = fma(%w[o,c,p,q], select(and(and(le(0, h + p - {2}), lt(h + p - {2}, 6)), and(le(0, v + q - {2}), lt(v + q - {2}, 7))),
          %x[n,c,max(0, min(h + p - {2}, 5)),max(0, min(v + q - {2}, 6))], 0.0), acc) }} }} }}
      %y[n,o,h,v] = max(acc, 0.0) }} }} }} }} }})",
                     4 + 2 * pad, 5 + 2 * pad, pad, block);
}

TEST(TiledContraction, ConvolutionsPackTheirWindows) {
  for (int pad : {0, 1, 2, 4}) {
    // Blocks of one channel, of both, and of pieces of a channel.
    expect_same(convolution(pad, 10), {3}, Run::InterpretOnly, 9);
    expect_same(convolution(pad, 20), {3}, Run::InterpretOnly, 18);
    expect_same(convolution(pad, 4), {3}, Run::InterpretOnly, 4);
    for (const int64_t block : {4, 10, 256}) EXPECT_EQ(compare_schedules(parse(convolution(pad, block)), {2}), "");
  }
}

/// As products of each image, of windows of one element and of more; tasks of one image hold no columns of another.
TEST(TiledContraction, ImagesAreTakenApart) {
  std::string apart = small_tiles(9);
  apart.insert(apart.rfind(';'), ", images by 1");
  for (const int pad : {0, 1})
    for (const int64_t images : {0, 1, 3}) {
      expect_same_by(apart + "pack rows, columns", convolution(pad, 10), {images}, Run::InterpretAndNative);
      expect_same_by(apart + "pack rows, columns; exchange rows and columns", convolution(pad, 10), {images},
                     Run::InterpretAndNative);
    }
}

std::string window_gradient(int64_t block) {
  return fmt::format(R"(kernel @dw(%x: f32[B,2,6,7], %g: f32[B,3,6,7]) -> (%y: f32[3,2,3,3]) {{
    parallel o in 0..3 {{ for c in 0..2 {{ for p in 0..3 {{ vector q in 0..3 {{ var acc: f32 = 0.0
      for n in 0..B joining acc by {}, outer 1, inner 2 {{ for h in 0..6 {{ for v in 0..7 {{
        acc = fma(%g[n,o,h,v], select(and(and(le(0, h + p - 1), lt(h + p - 1, 6)), and(le(0, v + q - 1), lt(v + q - 1, 7))),
          %x[n,c,max(0, min(h + p - 1, 5)),max(0, min(v + q - 1, 6))], 0.0), acc) }} }} }}
      %y[o,c,p,q] = acc }} }} }} }} }})",
                     block);
}

TEST(TiledContraction, GradientsOfWindowsTakeTheirRowsFromThePaddedImage) {
  ScheduleReport report;
  schedule(parse(window_gradient(256)), machine::kAvx512.vectors, &report);
  EXPECT_EQ(report.lines.front(), "exchange rows and columns");
  for (const int64_t block : {256, 100, 50, 10})
    for (int64_t batch : {0, 1, 3, 7}) EXPECT_EQ(compare_schedules(parse(window_gradient(block)), {batch}), "");
  expect_same(window_gradient(50), {3}, Run::InterpretAndNative, 42);
  expect_same(window_gradient(10), {3}, Run::InterpretAndNative, 10);
}

}  // namespace
}  // namespace strata::compiler
