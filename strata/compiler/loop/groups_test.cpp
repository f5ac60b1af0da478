// Dot products of groups of the depth keep the bits: u8 by i8, narrow integers and bf16, every transposed form, cut
// tiles and cut groups, naive against scheduled.
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

struct Factors {
  const char *x, *w, *sum;
  const char* fma = "fma";  ///< of floats
};

/// y[M, N] with chains of `block` terms; `x` and `w` are stored as M,K or K,M and K,N or N,K.
std::string product(Factors f, bool is_x_transposed, bool is_w_transposed, int block) {
  const bool is_float = std::string(f.sum) == "f32";
  const std::string a = fmt::format("cast({}, %x[{}])", f.sum, is_x_transposed ? "k,i" : "i,k"),
                    b = fmt::format("cast({}, %w[{}])", f.sum, is_w_transposed ? "j,k" : "k,j");
  return fmt::format(
      R"(kernel @dot(%x: {}[{}], %w: {}[{}], %b: {}[N]) -> (%y: {}[M,N]) {{
    parallel i in 0..M {{ vector j in 0..N {{ var acc: {} = {}
      for k in 0..K joining acc by {}, outer 1, inner 0 {{ acc = {} }}
      %y[i,j] = add(acc, %b[j]) }} }} }})",
      f.x, is_x_transposed ? "K,M" : "M,K", f.w, is_w_transposed ? "N,K" : "K,N", f.sum, f.sum, f.sum,
      is_float ? "0.0" : "0", block,
      is_float ? fmt::format("{}({}, {}, acc)", f.fma, a, b) : fmt::format("add(mul({}, {}), acc)", a, b));
}

std::vector<int64_t> in_order(const Kernel& kernel, int64_t m, int64_t n, int64_t k) {
  std::vector<int64_t> dims;
  for (const std::string& name : kernel.dims) dims.push_back(name == "M" ? m : name == "N" ? n : k);
  return dims;
}

/// Tiles so small that a few dozen elements have whole tiles, tails and several panels on each axis.
std::string small_tiles(int group, const char* order = "") {
  return fmt::format(
      "tile rows by 3, columns by 8, depth by 16; vectorise columns by 4; block rows by 6; parallel rows by 12, "
      "columns by 16; group depth by {}; pack rows, columns{}",
      group, order);
}

void expect_same(const std::string& rewrites, const std::string& text, int64_t m, int64_t n, int64_t k,
                 Run run = Run::InterpretOnly) {
  const Kernel naive = parse(text);
  for (const machine::CpuTarget& cpu : {machine::kScalar, machine::kAvx2, machine::kAvx512Bf16}) {
    const Kernel scheduled = schedule(naive, cpu.vectors, nullptr, {.rewrites = rewrites});
    EXPECT_EQ(compare_kernels(naive, scheduled, in_order(naive, m, n, k), cpu, run), "")
        << rewrites << text << ir::loops::print(scheduled);
  }
}

constexpr Factors kFlushed{"bf16", "bf16", "f32", "fma_flushed"};

const std::vector<std::pair<Factors, int>> kFactors = {
    {{"u8", "i8", "i32"}, 4},   {{"i8", "u8", "i32"}, 4},     {{"u8", "i8", "i32"}, 2},
    {{"i8", "i8", "i32"}, 2},   {{"u8", "u8", "i32"}, 2},     {{"i16", "i8", "i32"}, 2},
    {{"i16", "i16", "i32"}, 2}, {{"bf16", "bf16", "f32"}, 2}, {kFlushed, 2},
};

TEST(Groups, EveryTypeAndTransposedForm) {
  for (const auto& [factors, group] : kFactors)
    for (const bool x : {false, true})
      for (const bool w : {false, true}) {
        const std::string text = product(factors, x, w, 8);
        expect_same(small_tiles(group), text, 13, 33, 37, x == w ? Run::InterpretAndNative : Run::InterpretOnly);
        expect_same(small_tiles(group, "; exchange rows and columns"), text, 13, 33, 37);
      }
}

TEST(Groups, EverySize) {
  for (const auto& [factors, group] : kFactors) {
    const std::string text = product(factors, false, group == 4, 8);
    for (const auto& [m, n, k] : std::vector<std::tuple<int, int, int>>{
             {1, 1, 1}, {3, 8, 8}, {7, 9, 5}, {12, 16, 24}, {25, 3, 40}, {5, 7, 0}, {0, 4, 3}, {4, 17, 2}, {2, 8, 31}})
      expect_same(small_tiles(group), text, m, n, k);
  }
}

/// Integers are exact in any order: their chains are cut where groups are, whatever the block.
TEST(Groups, BlocksOfIntegersMayHaveAnyLengthAndThoseOfFloatsWholeGroups) {
  for (const int block : {7, 256}) {
    const std::string text = product({"u8", "i8", "i32"}, false, false, block);
    std::string rewrites = small_tiles(4);
    rewrites.replace(rewrites.find("depth by 16"), 11, "depth by 256");
    expect_same(rewrites, text, 9, 17, 300);
  }
  const Kernel halves = parse(product({"bf16", "bf16", "f32"}, false, false, 7));
  std::string rewrites = small_tiles(2);
  rewrites.replace(rewrites.find("depth by 16"), 11, "depth by 14");
  EXPECT_NE(base::message_of([&] {
              schedule(halves, machine::kAvx2.vectors, nullptr, {.rewrites = rewrites});
            }).find("blocks of 7 terms cut groups of 2"),
            std::string::npos);
}

TEST(Groups, AreChosenForIntegersWhereTheTargetHasTheInstruction) {
  const auto lines = [](const std::string& text, const machine::CpuTarget& cpu) {
    ScheduleReport report;
    schedule(parse(text), cpu.vectors, &report);
    return fmt::format("{}", fmt::join(report.lines, "\n"));
  };
  const std::string bytes = product({"u8", "i8", "i32"}, false, true, 256);
  EXPECT_NE(lines(bytes, machine::kAvx2).find("group depth by 2"), std::string::npos);
  EXPECT_NE(lines(bytes, machine::kAvx512).find("group depth by 2"), std::string::npos);
  EXPECT_NE(lines(bytes, machine::kAvx512Vnni).find("group depth by 4"), std::string::npos);
  EXPECT_EQ(lines(bytes, machine::kScalar).find("group"), std::string::npos);
  const std::string signed_bytes = product({"i8", "i8", "i32"}, false, true, 256);
  EXPECT_NE(lines(signed_bytes, machine::kAvx512Vnni).find("group depth by 2"), std::string::npos);
  EXPECT_EQ(lines(product({"bf16", "bf16", "f32"}, false, true, 256), machine::kAvx512Bf16).find("group"),
            std::string::npos)
      << "VDPBF16PS means something else";
  EXPECT_NE(lines(product(kFlushed, false, true, 256), machine::kAvx512Bf16).find("group depth by 2"),
            std::string::npos);
  EXPECT_EQ(lines(product(kFlushed, false, true, 256), machine::kAvx512Vnni).find("group"), std::string::npos);
  for (const auto& [factors, group] : kFactors)
    EXPECT_EQ(compare_schedules(product(factors, false, true, 256),
                                in_order(parse(product(factors, false, true, 256)), 31, 67, 300)),
              "")
        << factors.x << factors.w;
}

/// Columns are positions of images, whose runs cross tiles; the depth is channels and windows.
TEST(Groups, ConvolutionsOfBytes) {
  for (const int pad : {0, 1}) {
    const std::string text = fmt::format(
        R"(kernel @conv(%x: u8[B,4,6,7], %w: i8[12,4,3,3]) -> (%y: i32[B,12,{0},{1}]) {{
      parallel o in 0..12 {{ for n in 0..B {{ for h in 0..{0} {{ vector v in 0..{1} {{ var acc: i32 = 0
        for c in 0..4 joining acc by 256, outer 1, inner 2 {{ for p in 0..3 {{ for q in 0..3 {{
          acc = add(mul(cast(i32, %w[o,c,p,q]), cast(i32, select(and(and(le(0, h + p - {2}), lt(h + p - {2}, 6)), and(le(0, v + q - {2}), lt(v + q - {2}, 7))),
            %x[n,c,max(0, min(h + p - {2}, 5)),max(0, min(v + q - {2}, 6))], 3u8))), acc) }} }} }}
        %y[n,o,h,v] = acc }} }} }} }} }})",
        4 + 2 * pad, 5 + 2 * pad, pad);
    for (const int64_t batch : {0, 1, 3})
      for (const uint64_t variation : {0, 1, 2, 3, 4, 5, 6, 7})
        for (const machine::CpuTarget& cpu : {machine::kAvx2, machine::kAvx512Vnni}) {
          const Kernel naive = parse(text);
          const Kernel made = schedule(naive, cpu.vectors, nullptr, {.variation = variation});
          EXPECT_EQ(
              compare_kernels(naive, made, {batch}, cpu, batch == 3 ? Run::InterpretAndNative : Run::InterpretOnly), "")
              << variation;
        }
  }
}

/// A panel of several blocks, of which there are none.
TEST(Groups, ADepthOfNothingGivesTheStart) {
  for (const auto& [factors, group] : kFactors) {
    std::string text = product(factors, false, false, 8);
    for (size_t at; (at = text.find('K')) != std::string::npos;) text.replace(at, 1, "0");
    expect_same(small_tiles(group), text, 5, 9, 0);
    std::string alone = small_tiles(group);
    alone.erase(alone.find("group depth"), alone.find("pack") - alone.find("group depth"));
    expect_same(alone, text, 5, 9, 0);
  }
}

TEST(Groups, WhatHasNoSuchProductIsRefused) {
  const auto refusal = [](const std::string& text, const std::string& rewrites) {
    return base::message_of([&] { schedule(parse(text), machine::kAvx2.vectors, nullptr, {.rewrites = rewrites}); });
  };
  EXPECT_NE(refusal(product({"i8", "i8", "i32"}, false, false, 8), small_tiles(4))
                .find("there is no dot product of 4 terms for i8 by i8 into i32"),
            std::string::npos);
  EXPECT_NE(refusal(product({"u8", "i8", "i32"}, false, false, 8), small_tiles(8)).find("`group depth` takes 2 or 4"),
            std::string::npos);
  std::string in_place = small_tiles(4);
  in_place.replace(in_place.find("pack rows, columns"), 18, "pack columns");
  EXPECT_NE(
      refusal(product({"u8", "i8", "i32"}, false, false, 8), in_place).find("rows of groups of the depth are packed"),
      std::string::npos);
}

}  // namespace
}  // namespace strata::compiler
