// Long sums keep their digits: every op that adds up, over lengths around its blocks, against sums in f64.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "strata/ops/contraction/dot.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/window/window.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

std::vector<float> terms(int64_t count, bool is_cancelling) {
  std::vector<float> list;
  uint32_t state = 12345;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    list.push_back(static_cast<float>(state >> 8) * 0x1p-24F - (is_cancelling ? 0.5F : 0.0F));
  }
  return list;
}

Tensor tensor(const std::vector<float>& values, std::vector<int64_t> shape) {
  return Tensor::from(std::span<const float>(values), std::move(shape));
}

struct Sum {
  const char* name;
  std::function<Tensor(const Tensor& x)> of;  ///< of [n]; the last element is looked at
};

Tensor ids(int64_t count) { return Tensor::zeros({count, 1}, DType::i64); }

const Sum kSums[] = {
    {"sum", [](const Tensor& x) { return ops::sum(x); }},
    {"sum over the first axis", [](const Tensor& x) { return ops::sum(ops::stack<Tensor>({x, x, x}, 1), {0}); }},
    {"dot", [](const Tensor& x) { return ops::matmul(x, ones_like(x)); }},
    {"product of matrices",
     [](const Tensor& x) {
       const Tensor rows = ops::stack<Tensor>({x, x, x}, 0);
       return ops::matmul(rows, ops::transpose(ones_like(rows), {1, 0}));
     }},
    {"cumsum", [](const Tensor& x) { return ops::cumsum(x, 0); }},
    {"cumsum along columns", [](const Tensor& x) { return ops::cumsum(ops::stack<Tensor>({x, x}, 1), 0); }},
    {"scatter",
     [](const Tensor& x) {
       return ops::scatter(Tensor::zeros({1}), ids(x.size(0)), x, {0}, 0, ops::OutOfRange::Check, ops::Combine::Add);
     }},
    {"scatter of rows",
     [](const Tensor& x) {
       return ops::scatter(Tensor::zeros({2, 70}), ids(x.size(0)),
                           ops::broadcast_to(ops::expand_dims(x, 1), {x.dim(0), 70}), {0}, 0, ops::OutOfRange::Clamp,
                           ops::Combine::Add)[0];
     }},
};

class LongSums : public testing::TestWithParam<Sum> {};

TEST_P(LongSums, HaveTheErrorOfOneBlock) {
  for (const int64_t n : {1, 2, 255, 256, 257, 511, 513, 1000, 8191, 8192, 8193, 70001})
    for (const bool is_cancelling : {false, true}) {
      const std::vector<float> x = terms(n, is_cancelling);
      double exact = 0, size = 0;
      for (float v : x) exact += v, size += std::abs(v);
      const Tensor y = GetParam().of(tensor(x, {n}));
      EXPECT_NEAR(y.data<float>().back(), exact, 4 * 0x1p-23 * size) << n;
    }
}

TEST_P(LongSums, GiveTheSameBitsForASizeThatIsASymbol) {
  auto jitted = jit([](const Tensor& x) { return GetParam().of(x); });
  for (const int64_t n : {255, 257, 1000, 8193, 20011}) {
    const Tensor x = tensor(terms(n, true), {n});
    EXPECT_EQ(jitted(x).data<float>().back(), GetParam().of(x).data<float>().back()) << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, LongSums, testing::ValuesIn(kSums));

/// Equal terms round the same way all along a chain: the hardest for it.
TEST(LongSums, TenMillionTenthsAreAMillion) {
  const Tensor x = Tensor::full({10'000'000}, 0.1);
  EXPECT_NEAR(ops::sum(x).item(), 1e6, 0.3);
  EXPECT_NEAR(ops::mean(x).item(), 0.1, 4e-8);
  EXPECT_NEAR(ops::cumsum(x, 0).data<float>().back(), 1e6, 1);
  EXPECT_NEAR(ops::matmul(x, x).item(), 1e5, 0.2);
}

TEST(LongSums, EqualTermsKeepTheirDigitsInEveryOp) {
  const int64_t n = 1'000'000;
  const double tenth = 0.1f;
  const auto holds = [&](const Tensor& y, double wanted, double units) {
    for (const float v : y.evaluate().data<float>()) EXPECT_NEAR(v / wanted, 1, units * 0x1p-23);
  };
  holds(ops::sum(Tensor::full({n, 3}, 0.1), {0}), n * tenth, 40);
  holds(ops::sum(Tensor::full({1000, 7, 1000}, 0.1), {0, 2}), n * tenth, 8);
  holds(ops::scatter(Tensor::zeros({1}), Tensor::zeros({n, 1}, DType::i64), Tensor::full({n}, 0.1), {0}, 0,
                     ops::OutOfRange::Check, ops::Combine::Add),
        n * tenth, 8);
  holds(ops::matmul(Tensor::full({n}, 0.1), Tensor::full({n}, 0.2)), n * tenth * static_cast<double>(0.2f), 40);
}

TEST(LongSums, WhatAScanCapturesGathersItsGradientInBlocks) {
  for (const auto& [dtype, n, units] :
       {std::tuple(DType::f32, 50'000, 40.0), {DType::bf16, 1'000, 0.0}, {DType::f16, 1'000, 0.0}}) {
    const Tensor xs = Tensor::full({n}, dtype == DType::f32 ? 0.1 : 1.0, dtype);
    const Tensor slope = grad(
        [&](const Tensor& w) {
          auto [last, ys] = scan([&](const Tensor& c, const Tensor& x) { return std::pair(c, w * x); },
                                 Tensor::scalar(0, DType::f32), xs);
          return sum(cast(ys, DType::f32));
        },
        Tensor::scalar(1, dtype));
    const double wanted = dtype == DType::f32 ? n * static_cast<double>(0.1f) : Tensor::scalar(n, dtype).item();
    EXPECT_NEAR(slope.item() / wanted, 1, units * 0x1p-23) << ir::dtype_name(dtype);
  }
}

TEST(LongSums, StatisticsFarFromZeroKeepTheirDigits) {
  const std::vector<float> noise = terms(64 * 2 * 32 * 32, true);
  const Tensor x = tensor(noise, {64, 2, 32, 32}) + 10.0;
  const Tensor variance = ops::variance(x, {0, 2, 3});
  double mean = 0, squares = 0;
  const auto values = x.data<float>();
  const int64_t plane = 32 * 32, count = 64 * plane;
  const auto each = [&](auto f) {
    for (int64_t image = 0; image < 64; ++image)
      for (int64_t i = 0; i < plane; ++i) f(static_cast<double>(values[2 * image * plane + i]));
  };
  each([&](double v) { mean += v / static_cast<double>(count); });
  each([&](double v) { squares += (v - mean) * (v - mean) / static_cast<double>(count); });
  EXPECT_NEAR(variance.data<float>()[0] / squares, 1, 2e-7);
}

TEST(LongSums, HalfFloatsAddUpInF32AndRoundOnce) {
  const int64_t n = 5000;
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const Tensor x = Tensor::ones({n}, dtype);
    const double wanted = Tensor::scalar(static_cast<double>(n), dtype).array().get(0);
    EXPECT_EQ(ops::sum(x).array().get(0), wanted);
    EXPECT_EQ(ops::cumsum(x, 0).array().get(n - 1), wanted);
    EXPECT_EQ(ops::scatter(Tensor::zeros({1}, dtype), ids(n), x, {0}, 0, ops::OutOfRange::Check, ops::Combine::Add)
                  .array()
                  .get(0),
              wanted);
  }
}

TEST(LongSums, ManyDestinationsHaveBlocksOfTheirOwn) {
  const int64_t n = 30'000;
  const std::vector<float> updates = terms(n, false);
  std::vector<int64_t> to;
  std::vector<double> exact(7, 0.5);
  for (int64_t i = 0; i < n; ++i) {
    to.push_back(i % 3 == 0 ? 2 : i % 7);
    exact[to.back()] += static_cast<double>(updates[i]);
  }
  const Tensor y = ops::scatter(Tensor::full({7}, 0.5), Tensor::from(std::span<const int64_t>(to), {n, 1}),
                                tensor(updates, {n}), {0}, 0, ops::OutOfRange::Check, ops::Combine::Add);
  for (size_t d = 0; d < exact.size(); ++d) EXPECT_NEAR(y.data<float>()[d] / exact[d], 1, 3e-7) << d;
}

}  // namespace
}  // namespace strata
