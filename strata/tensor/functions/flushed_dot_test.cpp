// The dot of bf16 without denormals, asked for by name: compiled code of every level that runs here against the
// interpreter, what it has in common with the ordinary dot, derivatives, batches and refusals.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

using base::message_of;
using ir::Type;

constexpr DotAlgorithm kFlushed = DotAlgorithm::FlushedBf16;

/// Numbers of all sizes, and what is special.
HostArray numbers(std::vector<int64_t> shape, uint32_t seed) {
  const double special[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 0x1p-126, -0x1p-127, 0x1.fep127};
  HostArray made(DType::bf16, std::move(shape));
  std::mt19937 random(seed);
  for (int64_t i = 0; i < made.elements(); ++i) {
    const double digits = (static_cast<double>(random()) - 0x1p31) * 0x1p-31;
    const auto exponent = static_cast<int>(random() % 40);
    made.set(i, random() % 64 == 0 ? special[random() % std::size(special)] : std::ldexp(digits, exponent - 80));
  }
  return made;
}

std::shared_ptr<ir::Graph> product(const std::vector<int64_t>& x, const std::vector<int64_t>& w, const DotAxes& axes,
                                   DType result) {
  const auto graph = std::make_shared<ir::Graph>("product");
  const auto type = [](const std::vector<int64_t>& shape) {
    return Type::of(DType::bf16, std::vector<Dim>(shape.begin(), shape.end()));
  };
  const ir::Value a = graph->add_parameter(type(x)), b = graph->add_parameter(type(w));
  graph->set_results({ops::dot(a, b, axes, result)});
  return graph;
}

TEST(FlushedDot, CompiledCodeOfEveryLevelHasTheInterpretersBits) {
  const std::vector<std::tuple<int64_t, int64_t, int64_t>> sizes{{1, 1, 1},    {3, 5, 0},     {0, 4, 3},  {2, 3, 2},
                                                                 {5, 7, 17},   {33, 40, 300}, {1, 64, 7}, {64, 1, 9},
                                                                 {8, 16, 513}, {17, 67, 256}};
  uint32_t seed = 0;
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    machine::force_cpu_target(cpu);
    for (const auto& [m, n, k] : sizes)
      for (const bool along_depth : {false, true})
        for (const DType result : {DType::f32, DType::bf16}) {
          const std::vector<int64_t> w = along_depth ? std::vector{n, k} : std::vector{k, n};
          const auto graph = product({m, k}, w, {{1}, {along_depth ? 1 : 0}, {}, {}, kFlushed}, result);
          const std::vector<HostArray> arguments{numbers({m, k}, ++seed), numbers(w, ++seed)};
          const auto expected = ir::interpret(*graph, arguments);
          const auto found = compiler::compile(graph)->run(std::vector(arguments));
          EXPECT_EQ(compiler::first_difference(expected, found), std::nullopt)
              << cpu.name << " " << m << " x " << n << " x " << k;
        }
    const auto batches =
        product({3, 5, 2, 9}, {9, 3, 4, 2}, {{2, 3}, {3, 0}, {0}, {1}, kFlushed}, DType::f32);  // a depth of two axes
    const std::vector<HostArray> arguments{numbers({3, 5, 2, 9}, 1), numbers({9, 3, 4, 2}, 2)};
    EXPECT_EQ(compiler::first_difference(ir::interpret(*batches, arguments),
                                         compiler::compile(batches)->run(std::vector(arguments))),
              std::nullopt)
        << cpu.name;
    machine::force_cpu_target(std::nullopt);
  }
}

Tensor halves(std::vector<int64_t> shape, int seed) {
  return cast(normal(Key(seed), std::vector<Dim>(shape.begin(), shape.end())), DType::bf16).evaluate();
}
Tensor half(double number) {
  HostArray made(DType::bf16, {1});
  made.set(0, number);
  return Tensor(std::move(made));
}
Tensor times(const Tensor& x, const Tensor& w, DotAlgorithm algorithm) {
  return dot(x, w, {.lhs_contract = {-1}, .rhs_contract = {0}, .algorithm = algorithm}, DType::f32);
}

TEST(FlushedDot, WithoutDenormalsItIsTheOrdinaryDot) {
  for (const int64_t depth : {1, 2, 31, 700}) {
    const Tensor x = halves({9, depth}, 1), w = halves({depth, 21}, 2);
    EXPECT_TRUE(times(x, w, kFlushed).array().same_bits(times(x, w, DotAlgorithm::Direct).array())) << depth;
  }
}

TEST(FlushedDot, DenormalsAreZerosOfTheirSign) {
  const auto product_of = [](double x, double w, DotAlgorithm algorithm) {
    return times(half(x), half(w), algorithm).array().get(0);
  };
  EXPECT_EQ(product_of(0x1p-130, 0x1p100, DotAlgorithm::Direct), 0x1p-30);
  EXPECT_EQ(product_of(0x1p-130, 0x1p100, kFlushed), 0);
  EXPECT_EQ(product_of(0x1p-70, 0x1p-70, DotAlgorithm::Direct), 0x1p-140);
  EXPECT_EQ(product_of(0x1p-70, 0x1p-70, kFlushed), 0);
  EXPECT_TRUE(std::signbit(product_of(0x1p-70, -0x1p-70, kFlushed)));
  EXPECT_TRUE(std::isnan(product_of(0x1p-130, INFINITY, kFlushed))) << "0 * inf";
  EXPECT_TRUE(std::isnan(product_of(NAN, 0, kFlushed)));
}

/// Both cotangents go by the same algorithm: denormal factors of theirs are zeros, too.
TEST(FlushedDot, DerivativesGoByTheSameAlgorithm) {
  const auto gradient = [](double x, double w, DotAlgorithm algorithm) {
    const auto [dx, dw] =
        grad([&](const std::pair<Tensor, Tensor>& p) { return sum(times(p.first, p.second, algorithm)) * 1024.0; },
             std::pair(half(x), half(w)));
    return std::pair(dx.array().get(0), dw.array().get(0));
  };
  EXPECT_EQ(gradient(0x1p-130, 0x1p-131, DotAlgorithm::Direct), std::pair(0x1p-121, 0x1p-120));
  EXPECT_EQ(gradient(0x1p-130, 0x1p-131, kFlushed), std::pair(0.0, 0.0));
  EXPECT_EQ(gradient(3, 5, kFlushed), std::pair(5120.0, 3072.0));

  const Tensor x = halves({4, 7}, 3), w = halves({7, 5}, 4);
  const auto of = [&](DotAlgorithm algorithm) {
    return grad([&](const std::pair<Tensor, Tensor>& p) { return sum(square(times(p.first, p.second, algorithm))); },
                std::pair(x, w));
  };
  const auto expected = of(DotAlgorithm::Direct), found = of(kFlushed);
  EXPECT_TRUE(found.first.array().same_bits(expected.first.array()));
  EXPECT_TRUE(found.second.array().same_bits(expected.second.array()));
}

TEST(FlushedDot, BatchesAreTheirParts) {
  const Tensor x{numbers({3, 4, 9}, 5)}, w{numbers({9, 6}, 6)};
  const Tensor all = vmap([&](const Tensor& one) { return times(one, w, kFlushed); })(x);
  for (int64_t b = 0; b < 3; ++b) {
    const Tensor one = times(reshape(slice(x, {{b, b + 1}, {}, {}}), {4, 9}), w, kFlushed);
    const HostArray expected[] = {one.array()}, found[] = {reshape(slice(all, {{b, b + 1}, {}, {}}), {4, 6}).array()};
    EXPECT_EQ(compiler::first_difference(expected, found), std::nullopt) << b;
  }
}

TEST(FlushedDot, WhatIsNoBf16IsRefused) {
  const Tensor x = halves({2, 3}, 1), w = halves({3, 4}, 2);
  const auto refusal = [](const Tensor& a, const Tensor& b, DType result, DotAlgorithm algorithm = kFlushed) {
    return message_of([&] { dot(a, b, {{1}, {0}, {}, {}, algorithm}, result); });
  };
  EXPECT_TRUE(refusal(cast(x, DType::f32), cast(w, DType::f32), DType::f32)
                  .starts_with("error[E0116]: dot: flushed_bf16 takes bf16 by bf16 into bf16 or f32, found f32[2,3] by "
                               "f32[3,4] into f32\n"));
  EXPECT_NE(refusal(x, cast(w, DType::f16), DType::f32).find("found bf16[2,3] by f16[3,4] into f32"),
            std::string::npos);
  EXPECT_NE(refusal(x, w, DType::f64).find("found bf16[2,3] by bf16[3,4] into f64"), std::string::npos);
  EXPECT_NE(refusal(x, w, DType::f32, static_cast<DotAlgorithm>(2)).find("error[E0116]: dot: algorithm"),
            std::string::npos);
  EXPECT_EQ(refusal(x, w, DType::bf16), "no error");
}

}  // namespace
}  // namespace strata
