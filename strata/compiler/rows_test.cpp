// Kernels that go through rows in several stages: the bits of one kernel for each node, at every length, and what must
// not be joined.
#include "strata/compiler/lower/rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/fusion/fuse.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {
namespace {

using ir::Graph;
using ir::HostArray;

/// Nodes that are more than parameters, after fusion.
int kernels_of(const Graph& graph) {
  const auto fused = fuse(graph, {});
  int count = 0;
  for (const ir::Node* node : fused->nodes()) count += !node->is_parameter();
  return count;
}

/// Against the interpreter, against one kernel for each node, and other schedules: the same bits.
void expect_same(const std::string& text, const std::vector<HostArray>& arguments) {
  const auto graph = parsed(text);
  EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt) << text;
  const auto fused = run_natively(graph, arguments);
  EXPECT_EQ(first_difference(fused, run_natively(graph, arguments, {.disabled_passes = {"fuse"}})), std::nullopt)
      << text;
  for (const uint64_t variation : {1, 2, 3})
    EXPECT_EQ(first_difference(fused, run_natively(graph, arguments, {.schedule_variation = variation})), std::nullopt)
        << text;
}

std::string softmax(const std::string& shape, const std::string& rows, int axis) {
  std::string kept;
  for (int i = 0; i < axis; ++i) kept += (i ? ", " : "") + std::to_string(i);
  return fmt::format(R"(func @main(%x: f32[{0}]) -> f32[{0}] {{
  %0 = reduce_max %x {{axes = [{2}]}}
  %1 = broadcast %0 {{shape = [{0}], axes = [{3}]}}
  %2 = sub %x, %1
  %3 = exp %2
  %4 = reduce_sum %3 {{axes = [{2}]}}
  %5 = broadcast %4 {{shape = [{0}], axes = [{3}]}}
  %6 = div %3, %5
  return %6
}})",
                     shape, rows, axis, kept);
}

TEST(Rows, SoftmaxIsOneKernelOfThreeStages) {
  const auto graph = parsed(softmax("16,100", "16", 1));
  EXPECT_EQ(kernels_of(*graph), 1);
  const auto fused = fuse(*graph, {});
  const ir::Node& kernel = *fused->nodes().back();
  ASSERT_EQ(kernel.op, &ops::kFusion);
  const auto rows = rows_of_region(kernel.region(0));
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->kept, 1);
}

TEST(Rows, EveryLength) {
  for (const int64_t n : {64, 65, 71, 96, 127, 1023, 1024, 1025, 3000})
    expect_same(softmax(fmt::format("9,{}", n), "9", 1), {random_array({9, n}, 1)});
  for (const int64_t n : {0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 100, 1100})
    for (const int64_t m : {0, 1, 3, 17}) {
      if (n == 0 && m > 0) continue;  // the largest of nothing is refused
      expect_same(softmax("M,N", "M", 1), {random_array({m, n}, 2)});
    }
}

TEST(Rows, SeveralAxesOfRowsAndSpecialNumbers) {
  expect_same(softmax("3,5,70", "3,5", 2), {random_array({3, 5, 70}, 3)});
  HostArray x = random_array({8, 67}, 4);
  for (const auto& [at, value] : {std::pair{3, NAN}, {80, INFINITY}, {150, -INFINITY}, {70 * 5, -0.0}})
    x.set(at, value);
  for (int64_t i = 0; i < 67; ++i) x.set(67 * 7 + i, -INFINITY);
  expect_same(softmax("M,N", "M", 1), {x});
}

/// A residual that is used again, its normalisation with a weight, and sums that only share what they read.
constexpr const char* kNorm =
    R"(func @main(%x: f32[B,T,N], %r: f32[B,T,N], %w: f32[N]) -> (f32[B,T,N], f32[B,T,N], f32[B,T]) {
  %0 = add %x, %r
  %1 = reduce_sum %0 {axes = [2]}
  %2 = mul %1, 0.0125
  %3 = broadcast %2 {shape = [B,T,N], axes = [0, 1]}
  %4 = sub %0, %3
  %5 = mul %4, %4
  %6 = reduce_sum %5 {axes = [2]}
  %7 = add %6, 1e-5
  %8 = sqrt %7
  %9 = broadcast %8 {shape = [B,T,N], axes = [0, 1]}
  %10 = div %4, %9
  %11 = broadcast %w {shape = [B,T,N], axes = [2]}
  %12 = mul %10, %11
  return %12, %0, %8
})";

TEST(Rows, NormalisationAfterAResidualIsOneKernel) {
  EXPECT_EQ(kernels_of(*parsed(kNorm)), 1);
  for (const int64_t n : {1, 64, 80, 257})
    expect_same(kNorm, {random_array({2, 3, n}, 5), random_array({2, 3, n}, 6), random_array({n}, 7)});
}

TEST(Rows, ReductionsOfTheSameRowsShareAKernel) {
  const std::string text = R"(func @main(%x: f32[M,N], %d: f32[M,N]) -> f32[M,N] {
  %0 = reduce_sum %d {axes = [1]}
  %1 = mul %d, %x
  %2 = reduce_sum %1 {axes = [1]}
  %3 = broadcast %0 {shape = [M,N], axes = [0]}
  %4 = broadcast %2 {shape = [M,N], axes = [0]}
  %5 = mul %x, %4
  %6 = add %3, %5
  %7 = sub %d, %6
  return %7
})";
  EXPECT_EQ(kernels_of(*parsed(text)), 1);
  for (const int64_t n : {1, 33, 64, 200}) expect_same(text, {random_array({10, n}, 8), random_array({10, n}, 9)});
}

/// The second reduction reads the first one's result of other rows, at other places, or of other axes.
TEST(Rows, WhatReadsOtherRowsIsNotJoined) {
  const auto second = [](const std::string& spread) {
    return fmt::format(R"(func @main(%x: f32[64,64]) -> f32[64] {{
  %0 = reduce_max %x {{axes = [1]}}
  {}
  %9 = sub %x, %8
  %10 = reduce_sum %9 {{axes = [1]}}
  return %10
}})",
                       spread);
  };
  for (const char* spread : {"%1 = reverse %0 {axes = [0]}\n  %8 = broadcast %1 {shape = [64,64], axes = [0]}",
                             "%8 = broadcast %0 {shape = [64,64], axes = [1]}"}) {
    EXPECT_GT(kernels_of(*parsed(second(spread))), 1) << spread;
    expect_same(second(spread), {random_array({64, 64}, 10)});
  }
  const std::string columns = R"(func @main(%x: f32[64,64]) -> (f32[64], f32[64]) {
  %0 = exp %x
  %1 = reduce_sum %0 {axes = [1]}
  %2 = reduce_sum %0 {axes = [0]}
  return %1, %2
})";
  EXPECT_GT(kernels_of(*parsed(columns)), 1);
  expect_same(columns, {random_array({64, 64}, 11)});
}

TEST(Rows, ShortFewAndVeryLongRowsKeepTheirKernels) {
  EXPECT_GT(kernels_of(*parsed(softmax("1000,16", "1000", 1))), 1);
  EXPECT_GT(kernels_of(*parsed(softmax("2,512", "2", 1))), 1);
  EXPECT_GT(kernels_of(*parsed(softmax("16,1000000", "16", 1))), 1);
}

TEST(Rows, OtherTypes) {
  std::string halves = softmax("M,N", "M", 1);
  for (size_t at; (at = halves.find("f32")) != std::string::npos;) halves.replace(at, 3, "f64");
  const HostArray from = random_array({9, 77}, 12);
  HostArray wide(ir::DType::f64, {9, 77});
  for (int64_t i = 0; i < from.elements(); ++i) wide.set(i, from.get(i));
  expect_same(halves, {wide});
  const std::string integers = R"(func @main(%x: i32[M,N]) -> i32[M,N] {
  %0 = reduce_max %x {axes = [1]}
  %1 = broadcast %0 {shape = [M,N], axes = [0]}
  %2 = sub %1, %x
  %3 = reduce_sum %2 {axes = [1]}
  %4 = broadcast %3 {shape = [M,N], axes = [0]}
  %5 = mul %4, %2
  return %5
})";
  HostArray whole(ir::DType::i32, {9, 77});
  for (int64_t i = 0; i < from.elements(); ++i) whole.set_int(i, i * 7919 % 1000);
  expect_same(integers, {whole});
}

/// A convolution by single elements, and of each plane that it makes the mean and the squares around it.
std::string planes(const std::string& dtype, int64_t side, int64_t stride = 1, const std::string& images = "B") {
  const int64_t made = (side - 1) / stride + 1;
  return fmt::format(
      R"(func @main(%x: {0}[{5},5,{1},{1}], %w: {0}[70,5,1,1]) -> ({0}[{5},70], {0}[{5},70], {0}[{5},70,{2},{2}]) {{
  %0 = conv %x, %w {{strides = [{3}, {3}], pad_lo = [0, 0], pad_hi = [0, 0], lhs_dilation = [1, 1], rhs_dilation = [1, 1], groups = 1, result = {0}}}
  %1 = reduce_sum %0 {{axes = [2, 3]}}
  %2 = mul %1, {4}
  %3 = broadcast %2 {{shape = [{5}, 70, {2}, {2}], axes = [0, 1]}}
  %4 = sub %0, %3
  %5 = mul %4, %4
  %6 = reduce_sum %5 {{axes = [2, 3]}}
  return %2, %6, %0
}})",
      dtype, side, made, stride, 1.0 / static_cast<double>(made * made), images);
}

/// A product, what it is added to, and the statistics of its rows.
std::string tokens(int64_t columns, const std::string& kept = "B,80") {
  return fmt::format(R"(func @main(%x: f32[{1},33], %w: f32[{0},33], %r: f32[{1},{0}]) -> (f32[{1},{0}], f32[{1}]) {{
  %0 = dot %x, %w {{lhs_contract = [{2}], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}}
  %1 = add %0, %r
  %2 = reduce_sum %1 {{axes = [{2}]}}
  %3 = broadcast %2 {{shape = [{1},{0}], axes = [{3}]}}
  %4 = sub %1, %3
  %5 = abs %4
  %6 = reduce_max %5 {{axes = [{2}]}}
  %7 = add %6, %2
  return %1, %7
}})",
                     columns, kept, std::ranges::count(kept, ',') + 1,
                     kept.find(',') == std::string::npos ? "0" : "0, 1");
}

TEST(Rows, ThatAProductMakesAreReducedBehindIt) {
  EXPECT_EQ(kernels_of(*parsed(planes("f32", 8))), 1);
  EXPECT_EQ(kernels_of(*parsed(planes("f32", 15, 2))), 1);
  EXPECT_EQ(kernels_of(*parsed(tokens(100))), 1);
  for (const int64_t images : {0, 1, 2, 5}) {
    for (const int64_t side : {8, 12, 20})
      expect_same(planes("f32", side), {random_array({images, 5, side, side}, 20), random_array({70, 5, 1, 1}, 21)});
    expect_same(planes("f32", 15, 2), {random_array({images, 5, 15, 15}, 22), random_array({70, 5, 1, 1}, 23)});
  }
  for (const int64_t batch : {0, 1, 3})
    for (const int64_t columns : {64, 67, 100, 500})
      expect_same(tokens(columns), {random_array({batch, 80, 33}, 24), random_array({columns, 33}, 25),
                                    random_array({batch, 80, columns}, 26)});
}

TEST(Rows, OfProductsWithSpecialNumbersAndOtherTypes) {
  HostArray x = random_array({2, 5, 8, 8}, 27);
  for (const auto& [at, value] : {std::pair{3, NAN}, {80, INFINITY}, {150, -INFINITY}, {70 * 5, -0.0}})
    x.set(at, value);
  expect_same(planes("f32", 8), {x, random_array({70, 5, 1, 1}, 28)});
  HostArray wide(ir::DType::f64, {2, 5, 8, 8}), filters(ir::DType::f64, {70, 5, 1, 1});
  for (int64_t i = 0; i < wide.elements(); ++i) wide.set(i, std::sin(static_cast<double>(i)));
  for (int64_t i = 0; i < filters.elements(); ++i) filters.set(i, std::cos(static_cast<double>(i)));
  expect_same(planes("f64", 8), {wide, filters});
}

/// Planes that are no whole tiles, rows that are too long for a task or too short, and so few that they are one task.
TEST(Rows, OfProductsWhoseTasksHoldNoWholeRowsAreKernelsOfTheirOwn) {
  for (const std::string& text :
       {planes("f32", 14), planes("f32", 40), planes("f32", 4), tokens(1030), tokens(100, "M")})
    EXPECT_GT(kernels_of(*parsed(text)), 1) << text;
  expect_same(planes("f32", 14), {random_array({2, 5, 14, 14}, 29), random_array({70, 5, 1, 1}, 30)});
  expect_same(tokens(100, "M"), {random_array({70, 33}, 31), random_array({100, 33}, 32), random_array({70, 100}, 33)});
}

ir::loops::Kernel kernel_of(const std::string& text) {
  const auto fused = fuse(*parsed(text), {});
  return lower_kernel(*fused->nodes().back(), fused->facts(), "rows");
}

int prefetches_in(const std::string& text) {
  int count = 0;
  const ir::loops::Kernel kernel = schedule(kernel_of(text), {.bytes = 32});
  ir::loops::for_each_stmt(kernel.body,
                           [&](const ir::loops::Stmt& s) { count += s.kind == ir::loops::StmtKind::Prefetch; });
  return count;
}

TEST(Rows, ThatLeaveTheFirstCacheAreOnTheirWayWhileTheOneBeforeIsComputed) {
  EXPECT_GT(prefetches_in(softmax("16,10007", "16", 1)), 0);
  EXPECT_EQ(prefetches_in(softmax("16,1000", "16", 1)), 0);
  EXPECT_EQ(compare_schedules(kernel_of(softmax("9,10007", "9", 1)), {}), "");
  expect_same(softmax("3,5,9000", "3,5", 2), {random_array({3, 5, 9000}, 40)});
}

TEST(Rows, OfProductsHaveTheBitsOfEveryInstructionSet) {
  for (const int64_t images : {1, 3}) EXPECT_EQ(compare_schedules(kernel_of(planes("f32", 12)), {images}), "");
  EXPECT_EQ(compare_schedules(kernel_of(planes("f32", 8, 1, "3")), {}), "");
  for (const int64_t columns : {67, 500}) EXPECT_EQ(compare_schedules(kernel_of(tokens(columns)), {2}), "");
}

TEST(Rows, OfAProductAreNeverCutBySchedules) {
  const ir::loops::Kernel naive = kernel_of(planes("f32", 8, 1, "3"));
  const auto refusal = [&](const std::string& rewrites) {
    const std::string message =
        base::message_of([&] { schedule(naive, {.bytes = 32}, nullptr, {.rewrites = rewrites, .is_strict = true}); });
    return message.substr(0, message.find('\n'));
  };
  const std::string tile =
      "tile rows by 2, columns by 16, depth by 5; vectorise columns by 8; block rows by 2; pack rows, columns; ";
  EXPECT_EQ(refusal(tile + "parallel rows by 2, columns by 128"), "no error");
  EXPECT_EQ(refusal(tile + "parallel rows by 70, columns by 96"),
            "error[E0317]: a task of 70 rows by 96 columns ends within a row of 64, which is reduced behind it");
  EXPECT_EQ(refusal("vectorise i0 by 8, 1; parallel points by 64"),
            "error[E0317]: rows are reduced behind this product, which only packed products have: `tile rows by ...`");
}

}  // namespace
}  // namespace strata::compiler
