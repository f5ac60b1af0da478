// Cheap elements that a product or a convolution of single elements reads are made where its operands are packed; what
// would be made more than once, or costs more than memory, stays a kernel of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/fusion/fuse.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using ir::HostArray;

std::shared_ptr<ir::Graph> parse(const std::string& text) { return ir::parse_graph(text, ops::op_table()).value(); }

/// Nodes that are more than parameters, after fusion.
int kernels_of(const std::string& text) {
  const auto fused = fuse(*parse(text), {});
  int count = 0;
  for (const ir::Node* node : fused->nodes()) count += !node->is_parameter();
  return count;
}

/// A normalisation of channels and ReLU, read by a convolution with windows of k x k, and by `more`.
std::string channels_then_conv(int64_t k, const std::string& dtype = "f32", const std::string& strides = "1, 1") {
  const int64_t h = strides == "1, 1" ? 9 - k + 1 : (9 - k) / 2 + 1;
  return fmt::format(
      R"(func @main(%x: {0}[3,5,9,9], %s: {0}[5], %b: {0}[5], %w: {0}[7,5,{1},{1}]) -> {0}[3,7,{2},{2}] {{
  %0 = broadcast %s {{shape = [3, 5, 9, 9], axes = [1]}}
  %1 = mul %x, %0
  %2 = broadcast %b {{shape = [3, 5, 9, 9], axes = [1]}}
  %3 = add %1, %2
  %4 = maximum %3, 0.0
  %5 = conv %4, %w {{strides = [{3}], pad_lo = [0, 0], pad_hi = [0, 0], lhs_dilation = [1, 1], rhs_dilation = [1, 1], groups = 1, result = {0}}}
  return %5
}})",
      dtype, k, h, strides);
}

/// Rows that are scaled, read by a product and, where `is_read_twice`, by the gradient of its weights.
std::string rows_then_dot(const std::string& op, bool is_read_twice) {
  return fmt::format(R"(func @main(%x: f32[M,K], %r: f32[M], %g: f32[K], %w: f32[N,K], %d: f32[M,N]) -> (f32[M,N]{1}) {{
  %0 = broadcast %r {{shape = [M, K], axes = [0]}}
  %1 = mul %x, %0
  %2 = broadcast %g {{shape = [M, K], axes = [1]}}
  %3 = {0} %1{2}
  %4 = dot %3, %w {{lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}}
  {3}return %4{4}
}})",
                     op, is_read_twice ? ", f32[N,K]" : "", op == "exp" ? "" : ", %2",
                     is_read_twice
                         ? "%5 = dot %d, %3 {lhs_contract = [0], rhs_contract = [0], lhs_batch = [], rhs_batch = [], "
                           "result = f32}\n  "
                         : "",
                     is_read_twice ? ", %5" : "");
}

std::vector<HostArray> images(int64_t k) {
  std::vector<HostArray> a{random_array({3, 5, 9, 9}, 1), random_array({5}, 2), random_array({5}, 3),
                           random_array({7, 5, k, k}, 4)};
  for (const auto& [at, value] : {std::pair{7, NAN}, {100, INFINITY}, {300, -INFINITY}, {40, -0.0}})
    a[0].set(at, value);
  return a;
}

TEST(PackedProducers, ANormalisationIsMadeWhereAConvolutionOfSingleElementsPacks) {
  EXPECT_EQ(kernels_of(channels_then_conv(1)), 1);
  EXPECT_EQ(find_native_difference(parse(channels_then_conv(1)), images(1)), std::nullopt);
  EXPECT_EQ(find_native_difference(parse(channels_then_conv(1, "f32", "2, 2")), images(1)), std::nullopt);
}

TEST(PackedProducers, LargerWindowsReadItFromMemory) {
  EXPECT_EQ(kernels_of(channels_then_conv(3)), 2);
  EXPECT_EQ(find_native_difference(parse(channels_then_conv(3)), images(3)), std::nullopt);
}

/// A bias and what follows belong to the product in front, whose result is never in memory, not to the one behind.
TEST(PackedProducers, WhatCanBeAnEpilogueIsOne) {
  const char* text = R"(func @main(%x: f32[M,40], %w: f32[50,40], %b: f32[50], %v: f32[30,50]) -> f32[M,30] {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = broadcast %b {shape = [M, 50], axes = [1]}
  %2 = add %0, %1
  %3 = maximum %2, 0.0
  %4 = dot %3, %v {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  return %4
})";
  const auto fused = fuse(*parse(text), {});
  ASSERT_EQ(std::ssize(fused->nodes()), 4 + 2);
  EXPECT_EQ(fused->nodes()[5]->op->name, "dot") << "it reads what the first kernel made";
  EXPECT_EQ(
      find_native_difference(parse(text), std::vector<HostArray>{random_array({9, 40}, 1), random_array({50, 40}, 2),
                                                                 random_array({50}, 3), random_array({30, 50}, 4)}),
      std::nullopt);
}

TEST(PackedProducers, ACastAndAScaleOfWeights) {
  const char* text = R"(func @main(%x: f32[M,40], %w: bf16[50,40], %s: f32[50]) -> f32[M,50] {
  %0 = cast %w {to = f32}
  %1 = broadcast %s {shape = [50, 40], axes = [0]}
  %2 = mul %0, %1
  %3 = dot %x, %2 {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  return %3
})";
  EXPECT_EQ(kernels_of(text), 1);
  HostArray w(ir::DType::bf16, {50, 40});
  for (int64_t i = 0; i < w.elements(); ++i) w.set(i, std::cos(static_cast<double>(i)));
  for (const int64_t m : {0, 1, 7, 65})
    EXPECT_EQ(find_native_difference(parse(text), std::vector<HostArray>{random_array({m, 40}, 1), HostArray(w.clone()),
                                                                         random_array({50}, 2)}),
              std::nullopt);
}

TEST(PackedProducers, InDoublePrecision) {
  std::vector<HostArray> wide;
  for (const HostArray& a : images(1)) {
    HostArray& to = wide.emplace_back(ir::DType::f64, std::vector<int64_t>(a.shape().begin(), a.shape().end()));
    for (int64_t i = 0; i < a.elements(); ++i) to.set(i, a.get(i));
  }
  EXPECT_EQ(find_native_difference(parse(channels_then_conv(1, "f64")), wide), std::nullopt);
}

TEST(PackedProducers, RowsOfAProduct) {
  EXPECT_EQ(kernels_of(rows_then_dot("mul", false)), 1);
  EXPECT_EQ(kernels_of(rows_then_dot("mul", true)), 2) << "made again for each product";
  EXPECT_EQ(kernels_of(rows_then_dot("exp", false)), 2) << "a polynomial for each task is dearer than memory";
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{0, 3, 2}, {1, 1, 1}, {1, 37, 300}, {13, 300, 17}, {70, 64, 65}})
    for (const char* op : {"mul", "sub"})
      for (const bool twice : {false, true})
        for (const uint64_t variation : {0, 1, 2, 3}) {
          HostArray x = random_array({m, k}, 5);
          if (m * k > 20) x.set(20, INFINITY), x.set(3, NAN);
          const std::vector<HostArray> arguments{x, random_array({m}, 6), random_array({k}, 7), random_array({n, k}, 8),
                                                 random_array({m, n}, 9)};
          EXPECT_EQ(
              find_native_difference(parse(rows_then_dot(op, twice)), arguments, {.schedule_variation = variation}),
              std::nullopt)
              << op << twice << m << "x" << k << "x" << n;
        }
}

}  // namespace
}  // namespace strata::compiler
