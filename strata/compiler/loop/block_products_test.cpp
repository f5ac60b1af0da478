// Products of blocks of integers under scales: register tiles of byte, pair and word dot products against the naive
// nest, for every way in which the columns lie, with cut tiles and several chains; and what is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/loop/packing.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;

Kernel parse(const std::string& text) { return ir::loops::parse_kernel(text).value(); }

constexpr int64_t kWidth = 16;

/// Blocks of 32 in `bytes` bytes: the first two are a scale, `integer` is made of `byte(c)` and u.
struct Blocks {
  int64_t bytes;
  std::string integer;
};
const Blocks kHalves{18,
                     "sub(cast(i32, and(shr_logical({2 + floormod(u, 16)}, cast(u8, floordiv(u, 16) * 4)), 15)), 8)"};
const Blocks kWholes{34, "cast(i32, bitcast(i8, {2 + u}))"};
/// 5 bits: the fifth of element u lies in a byte that 8 elements share.
const Blocks kFives{22,
                    "sub(cast(i32, or(and(shr_logical({6 + floormod(u, 16)}, cast(u8, floordiv(u, 16) * 4)), 15), "
                    "shl(and(shr_logical({2 + floordiv(u, 8)}, cast(u8, floormod(u, 8))), 1), 4))), 16)"};

/// `text` with each {c} as the load of byte c of a block.
std::string with_loads(std::string text, const std::string& load) {
  for (size_t at; (at = text.find('{')) != std::string::npos;) {
    const size_t end = text.find('}', at);
    text.replace(at, end + 1 - at, fmt::format(fmt::runtime(load), text.substr(at + 1, end - at - 1)));
  }
  return text;
}
std::string scale_of(const std::string& load) {
  return with_loads("cast(f32, bitcast(f16, or(cast(u16, {0}), shl(cast(u16, {1}), 8))))", load);
}

enum class Lie { Matrix, Panels, PanelsOfPairs };

/// y[M, N] = x by w, in blocks; `rows` may be a number.
std::string product(const Blocks& x, const Blocks& w, Lie lie, int64_t columns, int64_t blocks,
                    const std::string& rows = "M", int chain = 256) {
  const int64_t panels = (columns + kWidth - 1) / kWidth;
  const std::string at = fmt::format("b * {} + {{}}", w.bytes);
  const std::string load = lie == Lie::Matrix   ? "%w[j, b, {}]"
                           : lie == Lie::Panels ? fmt::format("%w[floordiv(j, 16), {}, floormod(j, 16)]", at)
                                                : fmt::format(
                                                      "%w[floordiv(j, 16), floordiv({0}, 2), floormod(j, 16), "
                                                      "floormod({0}, 2)]",
                                                      at);
  const std::string shape = lie == Lie::Matrix   ? fmt::format("{},{},{}", columns, blocks, w.bytes)
                            : lie == Lie::Panels ? fmt::format("{},{},16", panels, blocks * w.bytes)
                                                 : fmt::format("{},{},16,2", panels, blocks * w.bytes / 2);
  // `at` stands twice in a pair's index.
  const auto of_columns = [&](const std::string& text) {
    std::string made = text;
    for (size_t from; (from = made.find('{')) != std::string::npos;) {
      const size_t end = made.find('}', from);
      std::string index = load;
      const std::string byte = made.substr(from + 1, end - from - 1);
      for (size_t hole; (hole = index.find("{}")) != std::string::npos;) index.replace(hole, 2, byte);
      made.replace(from, end + 1 - from, index);
    }
    return made;
  };
  const std::string row = "%x[i, b, {}]";
  return fmt::format(
      R"(kernel @blocks(%x: u8[{0},{1},{2}], %w: u8[{3}], %c: f32[{4}]) -> (%y: f32[{0},{4}]) {{
    parallel i in 0..{0} {{ vector j in 0..{4} {{ var acc: f32 = 0.0
      for b in 0..{1} joining acc by {5}, outer 1, inner 0 {{
        var sum: i32 = 0
        for u in 0..32 {{ sum = add(mul({6}, {7}), sum) }}
        acc = fma(cast(f32, sum), mul({8}, {9}), acc) }}
      %y[i,j] = add(acc, %c[j]) }} }} }})",
      rows, blocks, x.bytes, shape, columns, chain, with_loads(x.integer, row), of_columns(w.integer), scale_of(row),
      of_columns("cast(f32, bitcast(f16, or(cast(u16, {0}), shl(cast(u16, {1}), 8))))"));
}

std::string tiles(int rows, int columns, int lanes, const char* sums) {
  return fmt::format(
      "tile rows by {0}, columns by {1}; vectorise columns by {2}; parallel rows by {3}, columns by {4}; {5}; read "
      "columns in place",
      rows, columns, lanes, 2 * rows, 2 * columns, sums);
}

std::string lines_of(const Kernel& kernel, const machine::CpuTarget& cpu) {
  ScheduleReport report;
  schedule(kernel, cpu.vectors, &report);
  return fmt::format("{}", fmt::join(report.lines, "\n"));
}

struct Form {
  const Blocks *x, *w;
  Lie lie;
  std::vector<const char*> sums;
};
const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {&kWholes, &kHalves, Lie::PanelsOfPairs, {"group depth by 4", "group depth by 2", "sum pairs by 16"}},
      {&kWholes, &kHalves, Lie::Panels, {"group depth by 4", "group depth by 2", "sum pairs by 16"}},
      {&kWholes, &kWholes, Lie::PanelsOfPairs, {"group depth by 4", "group depth by 2"}},
      {&kHalves, &kHalves, Lie::PanelsOfPairs, {"group depth by 4", "group depth by 2", "sum pairs by 16"}},
      {&kHalves, &kWholes, Lie::Panels, {"group depth by 4", "group depth by 2"}},
      {&kWholes, &kFives, Lie::Panels, {"group depth by 4", "group depth by 2"}},
  };
  return all;
}

TEST(BlockProducts, EveryFormGivesTheBitsOfTheNaiveNest) {
  for (const Form& form : forms())
    for (const char* sums : form.sums)
      for (const auto& [columns, blocks] : {std::pair{17, 1}, {33, 5}, {64, 3}})
        for (const int64_t rows : {0, 1, 7}) {
          const Kernel naive = parse(product(*form.x, *form.w, form.lie, columns, blocks));
          for (const int lanes : {8, 16}) {
            const std::string text = tiles(3, 16, lanes, sums);
            for (const machine::CpuTarget& cpu : {machine::kScalar, machine::kAvx2, machine::kAvx512Vnni}) {
              const Kernel made = schedule(naive, cpu.vectors, nullptr, {.rewrites = text});
              EXPECT_EQ(compare_kernels(naive, made, {rows}, cpu,
                                        rows == 7 && columns == 33 ? Run::InterpretAndNative : Run::InterpretOnly),
                        "")
                  << text << ir::loops::print(naive) << ir::loops::print(made);
            }
          }
        }
}

/// Chains of four blocks, of which there are nine.
TEST(BlockProducts, ChainsAreJoinedByATree) {
  const Kernel naive = parse(product(kWholes, kHalves, Lie::PanelsOfPairs, 33, 9, "M", 4));
  for (const int64_t rows : {1, 5}) EXPECT_EQ(compare_schedules(naive, {rows}), "");
}

TEST(BlockProducts, EachTargetHasItsDotProduct) {
  const Kernel halves = parse(product(kWholes, kHalves, Lie::PanelsOfPairs, 64, 4)),
               wholes = parse(product(kWholes, kWholes, Lie::PanelsOfPairs, 64, 4));
  EXPECT_NE(lines_of(halves, machine::kAvx2).find("sum pairs by 16"), std::string::npos)
      << lines_of(halves, machine::kAvx2);
  EXPECT_NE(lines_of(wholes, machine::kAvx2).find("group depth by 2"), std::string::npos);
  for (const Kernel& kernel : {halves, wholes})
    EXPECT_NE(lines_of(kernel, machine::kAvx512Vnni).find("group depth by 4"), std::string::npos);
  for (const int64_t rows : {1, 9}) {
    EXPECT_EQ(compare_schedules(halves, {rows}), "");
    EXPECT_EQ(compare_schedules(wholes, {rows}), "");
  }
}

/// What does not run here is compiled and read. The form that saturates is taken for 4 bits alone, whose pairs can't.
TEST(BlockProducts, AreMultipliedByTheInstructionOfTheTarget) {
  const auto listing = [](const Blocks& w, const machine::CpuTarget& cpu) {
    const Kernel made = schedule(parse(product(kWholes, w, Lie::PanelsOfPairs, 64, 4, "4")), cpu.vectors);
    const Kernel* const kernels[] = {&made};
    return llvm_target_for(cpu).listing(kernels);
  };
  const auto has = [](const std::string& text, const char* name) { return text.find(name) != std::string::npos; };
  EXPECT_TRUE(has(listing(kHalves, machine::kAvx2), "vpmaddubsw"));
  EXPECT_FALSE(has(listing(kWholes, machine::kAvx2), "vpmaddubsw"));
  EXPECT_TRUE(has(listing(kWholes, machine::kAvx2), "vpmaddwd"));
  EXPECT_TRUE(has(listing(kHalves, machine::kAvx512), "vpmaddubsw"));
  for (const Blocks* w : {&kHalves, &kWholes}) {
    EXPECT_TRUE(has(listing(*w, machine::kAvx512Vnni), "vpdpbusd"));
    EXPECT_FALSE(has(listing(*w, machine::kAvx512Vnni), "vpmaddubsw\tzmm"));
    EXPECT_FALSE(has(listing(*w, machine::kScalar), "pmaddubsw"));
  }
}

/// Every pair of integers at its end: -128 by -8 in a whole block is 32768, which i16 does not hold.
TEST(BlockProducts, NoSumSaturates) {
  const Kernel naive = parse(product(kWholes, kHalves, Lie::PanelsOfPairs, 16, 2, "2"));
  const auto run = [&](int x_byte, int w_byte) {
    ComparedKernel compared{naive, {}, {}};
    ir::HostArray x(ir::DType::u8, {2, 2, 34}), w(ir::DType::u8, {1, 18, 16, 2});
    for (int64_t k = 0; k < x.elements(); ++k) x.set_int(k, k % 34 == 0 ? 0 : k % 34 == 1 ? 0x3c : x_byte);
    for (int64_t k = 0; k < w.elements(); ++k) {
      const int64_t byte = k / 32 % 9 * 2 + k % 2;
      w.set_int(k, byte == 0 ? 0 : byte == 1 ? 0x3c : w_byte);
    }
    compared.inputs = {x, w};
    for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
      EXPECT_EQ(compare_all({compared}, {cpu, cpu}), "") << x_byte << " by " << w_byte;
  };
  for (const int x : {0x80, 0x7f, 0, 0xff})
    for (const int w : {0x00, 0xff, 0x88, 0x0f}) run(x, w);
}

TEST(BlockProducts, AMatrixIsPackedIntoPanelsOfPairsWherePairsAreNeighbours) {
  const auto packed = [](const Blocks& w) {
    return columns_to_pack(parse(product(kWholes, w, Lie::Matrix, 40, 4)), machine::kAvx2.vectors).at(0);
  };
  EXPECT_EQ(packed(kHalves), (ColumnsToPack{1, 40, 4 * 18, 16, 2, true}));
  EXPECT_EQ(packed(kWholes), (ColumnsToPack{1, 40, 4 * 34, 16, 2, true}));
  EXPECT_EQ(packed(kFives), (ColumnsToPack{1, 40, 4 * 22, 16, 1, true}));
  EXPECT_EQ(compare_schedules(parse(product(kWholes, kHalves, Lie::Matrix, 20, 3)), {5}), "");
}

std::string refusal(const Blocks& w, Lie lie, const std::string& rewrites) {
  return base::message_of([&] {
    schedule(parse(product(kWholes, w, lie, 64, 4)), machine::kAvx2.vectors, nullptr, {.rewrites = rewrites});
  });
}

TEST(BlockProducts, WhatDoesNotFitIsRefused) {
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal(kHalves, Lie::Matrix, tiles(3, 16, 16, "sum pairs by 16")), "they don't lie in panels");
  expect(refusal(kWholes, Lie::PanelsOfPairs, tiles(3, 16, 16, "sum pairs by 16")),
         "sums of two products of bytes up to 255 may leave i16");
  expect(refusal(kHalves, Lie::PanelsOfPairs, tiles(3, 16, 16, "sum pairs by 32")), "`sum pairs` takes 16");
  expect(refusal(kHalves, Lie::PanelsOfPairs, tiles(3, 16, 16, "group depth by 8")),
         "`group depth` takes 2 or 4, found 8");
  expect(refusal(kHalves, Lie::PanelsOfPairs, tiles(3, 8, 8, "group depth by 4")), "tiles of 8 to be a multiple of");
  expect(refusal(kFives, Lie::Panels, tiles(3, 16, 16, "sum pairs by 16")), "sums of a block may leave i16");
}

}  // namespace
}  // namespace strata::compiler
