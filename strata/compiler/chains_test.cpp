// Reductions whose chains run side by side in one kernel, and what they compute again instead of reading it: the bits
// of one kernel for each node.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/fusion/fuse.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using ir::Graph;
using ir::HostArray;

std::shared_ptr<Graph> parse(const std::string& text) { return ir::parse_graph(text, ops::op_table()).value(); }

HostArray random_of(ir::DType dtype, const std::vector<int64_t>& shape, uint32_t seed) {
  const HostArray numbers = random_array(shape, seed);
  HostArray made(dtype, shape);
  for (int64_t i = 0; i < made.elements(); ++i) made.set(i, numbers.get(i) * (is_float(dtype) ? 1 : 10));
  return made;
}

bool same_bits(const std::vector<HostArray>& a, const std::vector<HostArray>& b) {
  return std::ranges::equal(a, b, [](const HostArray& x, const HostArray& y) { return x.same_bits(y); });
}

int kernels_of(const Graph& graph) {
  const auto fused = fuse(graph, {});
  return static_cast<int>(
      std::ranges::count_if(fused->nodes(), [](const ir::Node* node) { return !node->is_parameter(); }));
}

std::string sums(const std::string& dtype, int64_t rows, int64_t columns) {
  return fmt::format(R"(func @main(%x: {0}[{1},{2}], %y: {0}[{1},{2}]) -> ({0}[{2}], {0}[{2}], {0}[{2}], {0}[{2}]) {{
  %0 = mul %x, %y
  %1 = reduce_sum %0 {{axes = [0]}}
  %2 = reduce_sum %x {{axes = [0]}}
  %3 = reduce_max %y {{axes = [0]}}
  %4 = mul %x, %x
  %5 = reduce_prod %4 {{axes = [0]}}
  return %1, %2, %3, %5
}})",
                     dtype, rows, columns);
}

TEST(Chains, SideBySideEachHasItsOwnBits) {
  for (const char* dtype : {"f32", "f64", "f16", "bf16", "i32"})
    for (const int64_t rows : {0, 1, 2, 5, 256, 257, 1031})
      for (const int64_t columns : {1, 7, 70}) {
        const auto graph = parse(sums(dtype, rows, columns));
        std::vector<HostArray> arguments;
        for (int i = 0; i < 2; ++i)
          arguments.push_back(random_of(graph->parameters()[i]->type().dtype(), {rows, columns}, rows + i));
        EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt) << dtype << ' ' << rows << ' ' << columns;
        EXPECT_TRUE(
            same_bits(run_natively(graph, arguments), run_natively(graph, arguments, {.disabled_passes = {"fuse"}})))
            << dtype << ' ' << rows << ' ' << columns;
      }
  // x meets y, and y its own maximum: all four are one kernel.
  EXPECT_EQ(kernels_of(*parse(sums("f32", 300, 70))), 1);
}

/// A number of blocks that is known has all levels of its tree in locals, one that is not those above the fourth in
/// memory: the same bits, also with one level more than there are in locals, and where several chains run side by side.
TEST(Chains, ManyBlocksHaveTheBitsOfAKnownNumberOfThem) {
  constexpr const char* kSums = R"(func @main(%x: f32[{0},{1}]) -> (f32[{1}], f32[{1}], f32[{0},{1}]) {{
  %0 = reduce_sum %x {{axes = [0]}}
  %1 = mul %x, %x
  %2 = reduce_sum %1 {{axes = [0]}}
  %3 = cumsum %x {{axis = 0, reverse = false}}
  return %0, %2, %3
}})";
  for (const int64_t rows : {1, 256, 257, 16 * 256, 16 * 256 + 1, 32 * 256 - 3, 61 * 256, 64 * 256 + 5, 255 * 256})
    for (const int64_t columns : {1, 3, 37}) {
      if (columns > 3 && rows > 10'000 && rows % 256 != 5) continue;
      const HostArray x = random_array({rows, columns}, static_cast<uint32_t>(rows + columns));
      const auto known = parse(fmt::format(kSums, rows, columns)), unknown = parse(fmt::format(kSums, "B", columns));
      const auto expected = run_natively(known, {&x, 1});
      for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
        EXPECT_TRUE(same_bits(run_natively(unknown, {&x, 1}, {.target = &llvm_target_for(cpu)}), expected))
            << rows << ' ' << columns << ' ' << cpu.name;
      EXPECT_EQ(find_native_difference(unknown, {&x, 1}), std::nullopt) << rows << ' ' << columns;
      EXPECT_TRUE(same_bits(run_natively(unknown, {&x, 1}, {.disabled_passes = {"fuse"}}), expected));
    }
}

TEST(Chains, NotANumberStaysWhereItIs) {
  const auto graph = parse(sums("f32", 600, 9));
  std::vector<HostArray> arguments{random_array({600, 9}, 1), random_array({600, 9}, 2)};
  arguments[0].set(9 * 300 + 4, std::numeric_limits<double>::quiet_NaN());
  arguments[1].set(9 * 500 + 2, std::numeric_limits<double>::infinity());
  const auto fused = run_natively(graph, arguments);
  EXPECT_TRUE(same_bits(fused, run_natively(graph, arguments, {.disabled_passes = {"fuse"}})));
  for (int64_t column = 0; column < 9; ++column) EXPECT_EQ(std::isnan(fused[1].get(column)), column == 4);
}

TEST(Chains, OnesThatReadEachOtherAreApart) {
  const auto graph = parse(R"(func @main(%x: f32[300,70]) -> (f32[70], f32[70]) {
  %0 = reduce_sum %x {axes = [0]}
  %1 = broadcast %0 {shape = [300, 70], axes = [1]}
  %2 = sub %x, %1
  %3 = reduce_sum %2 {axes = [0]}
  return %0, %3
})");
  EXPECT_EQ(kernels_of(*graph), 2);
  const HostArray x = random_array({300, 70}, 1);
  EXPECT_EQ(find_native_difference(graph, {&x, 1}), std::nullopt);
}

TEST(Chains, ShortFoldsAreFunctionsOfTheIndex) {
  for (const char* op : {"reduce_sum", "reduce_prod", "reduce_max", "reduce_min"})
    for (const int64_t length : {1, 2, 3, 4, 5})
      for (const int axis : {0, 1}) {
        const std::string shape = axis ? fmt::format("37,{}", length) : fmt::format("{},37", length);
        const auto graph = parse(fmt::format(R"(func @main(%x: f32[{0}]) -> f32[37] {{
  %0 = exp %x
  %1 = {1} %0 {{axes = [{2}]}}
  %2 = neg %1
  return %2
}})",
                                             shape, op, axis));
        std::vector<int64_t> extents{37, 37};
        extents[axis] = length;
        std::vector<HostArray> x{random_array(extents, length)};
        x[0].set(3, -0.0);
        EXPECT_EQ(find_native_difference(graph, x), std::nullopt) << op << ' ' << shape;
        EXPECT_TRUE(same_bits(run_natively(graph, x), run_natively(graph, x, {.disabled_passes = {"fuse"}})));
      }
}

/// A sum over all pairs of points of exp(-distance^2) * weight, and its derivative's sums over the other point.
std::string pairs(const std::string& m, const std::string& n) {
  return fmt::format(
      R"(func @main(%x: f32[{0},3], %y: f32[{1},3], %b: f32[{1}]) -> (f32[{0}], f32[{0},3], f32[{1},3], f32[{1}]) {{
  %0 = broadcast %x {{shape = [{0}, {1}, 3], axes = [0, 2]}}
  %1 = broadcast %y {{shape = [{0}, {1}, 3], axes = [1, 2]}}
  %2 = sub %0, %1
  %3 = mul %2, %2
  %4 = reduce_sum %3 {{axes = [2]}}
  %5 = neg %4
  %6 = exp %5
  %7 = broadcast %b {{shape = [{0}, {1}], axes = [1]}}
  %8 = mul %6, %7
  %9 = reduce_sum %8 {{axes = [1]}}
  %10 = broadcast %8 {{shape = [{0}, {1}, 3], axes = [0, 1]}}
  %11 = mul %10, %2
  %12 = reduce_sum %11 {{axes = [1]}}
  %13 = reduce_sum %11 {{axes = [0]}}
  %14 = reduce_sum %6 {{axes = [0]}}
  return %9, %12, %13, %14
}})",
      m, n);
}

TEST(Chains, AllPairsNeedNoMemoryForThePairs) {
  constexpr int64_t kM = 1031, kN = 1153;
  const std::vector<HostArray> arguments{random_array({kM, 3}, 1), random_array({kN, 3}, 2), random_array({kN}, 3)};
  const auto fixed = parse(pairs("1031", "1153")), symbolic = parse(pairs("M", "N"));
  const auto alone = run_natively(fixed, arguments, {.disabled_passes = {"fuse"}});
  for (const auto& graph : {fixed, symbolic}) {
    EXPECT_TRUE(same_bits(run_natively(graph, arguments), alone));
    EXPECT_TRUE(same_bits(run_natively(graph, arguments, {.disabled_passes = {"split-short-axes"}}), alone));
    const std::vector<std::vector<int64_t>> shapes{{kM, 3}, {kN, 3}, {kN}};
    EXPECT_LE(memory_peak(*compile(graph), shapes).arena_bytes, 16 * 4 * (kM + kN));
  }
}

}  // namespace
}  // namespace strata::compiler
