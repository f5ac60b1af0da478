// Variance and standard deviation where they end: equal elements, fewer elements than the correction takes away, sums
// of squares that a half float does not hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "strata/ops/numpy_names.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

std::vector<double> slopes_of_stddev(const Tensor& x, int64_t correction) {
  const Tensor g = grad([&](const Tensor& v) { return sum(stddev(v, {}, correction)); }, x);
  std::vector<double> list;
  for (int64_t i = 0; i < g.array().elements(); ++i) list.push_back(g.array().get(i));
  return list;
}

TEST(Statistics, StddevOfHalfFloatsRoundsOnce) {
  for (const DType t : {DType::f16, DType::bf16, DType::f32, DType::f64}) {
    const Tensor x = cast(Tensor::from({300.f, -300.f}), t);
    EXPECT_EQ(stddev(x).item(), cast(Tensor::from({300.f}), t).item());
    EXPECT_EQ(stddev(x).dtype(), t);
    EXPECT_EQ(slopes_of_stddev(x, 0), (std::vector<double>{0.5, -0.5}));
  }
  const Tensor rows = cast(reshape(Tensor::from({1e-4f, 3e-4f, 200.f, 1000.f}), {2, 2}), DType::f16);
  const Tensor y = stddev(rows, {1}, 0, ops::Keep::AsOne);
  EXPECT_EQ(y.shape(), Shape({2, 1}));
  EXPECT_NEAR(y.array().get(0), 1e-4, 1e-7);
  EXPECT_EQ(y.array().get(1), 400);
  EXPECT_THROW(stddev(Tensor::from({1, 2})), base::Error);
}

TEST(Statistics, TheSlopeOfStddevIsZeroWhereAllAreEqual) {
  for (const DType t : {DType::f16, DType::bf16, DType::f32, DType::f64}) {
    EXPECT_EQ(slopes_of_stddev(cast(Tensor::from({7.f, 7.f, 7.f}), t), 0), std::vector<double>(3, 0));
    EXPECT_EQ(slopes_of_stddev(cast(Tensor::from({0.f, 0.f}), t), 1), std::vector<double>(2, 0));
  }
  EXPECT_TRUE(std::isnan(stddev(Tensor::from({1.f, NAN})).item()));
  EXPECT_TRUE(std::isnan(stddev(Tensor::from({1.f, INFINITY})).item()));
}

TEST(Statistics, TheDivisorIsNeverNegative) {
  const Tensor apart = Tensor::from({1.f, 3.f}), same = Tensor::from({2.f, 2.f});
  for (const int64_t correction : {2, 3, 5, 1000000}) {
    EXPECT_EQ(variance(apart, {}, correction).item(), INFINITY) << correction;
    EXPECT_EQ(stddev(apart, {}, correction).item(), INFINITY) << correction;
    EXPECT_TRUE(std::isnan(variance(same, {}, correction).item())) << correction;
    EXPECT_TRUE(std::isnan(stddev(same, {}, correction).item())) << correction;
  }
  EXPECT_EQ(variance(apart, {}, 1).item(), 2);
  EXPECT_EQ(variance(apart, {}, 0).item(), 1);
  EXPECT_EQ(variance(apart, {}, -2).item(), 0.5);
  EXPECT_TRUE(std::isnan(variance(Tensor::from({5.f}), {}, 1).item()));
  auto jitted = jit([](const Tensor& x) { return variance(x, {}, 3); });
  EXPECT_EQ(jitted(apart).item(), INFINITY);
  EXPECT_EQ(jitted(Tensor::from({1.f, 3.f, 5.f, 7.f})).item(), 20);
}

/// Mean and variance over axes 0, 2 and 3, in f64, by the definition.
std::vector<std::pair<double, double>> moments_of_channels(const Tensor& x) {
  const auto [n, c, h, w] = std::tuple(x.size(0), x.size(1), x.size(2), x.size(3));
  std::vector<std::pair<double, double>> all(c);
  for (int64_t k = 0; k < c; ++k) {
    auto& [mean, variance] = all[k];
    const auto sum_of = [&](auto f) {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < h * w; ++j) sum += f(x.array().get((i * c + k) * h * w + j));
      return sum / static_cast<double>(n * h * w);
    };
    mean = sum_of([](double v) { return v; });
    variance = sum_of([&, m = mean](double v) { return (v - m) * (v - m); });
  }
  return all;
}

TEST(Statistics, BlocksOnBothSidesOfAKeptAxisAreMerged) {
  for (const Shape& shape : {Shape{5, 3, 7, 11}, Shape{1, 2, 3, 1}, Shape{64, 2, 1, 1}, Shape{3, 1, 40, 40}}) {
    // Images of different brightness: most of the variance lies between the blocks.
    const Tensor x = normal(Key(1), shape) + normal(Key(2), {shape[0], 1, 1, 1}) * 8 + 100;
    const auto expected = moments_of_channels(x);
    const Tensor m = mean(x, {0, 2, 3}), v = variance(x, {0, 2, 3});
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(m.array().get(k), expected[k].first, 1e-6 * std::abs(expected[k].first));
      EXPECT_NEAR(v.array().get(k), expected[k].second, 1e-5 * expected[k].second + 1e-9);
    }
    auto jitted = jit([](const Tensor& t) { return variance(t, {0, 2, 3}); });
    EXPECT_TRUE(std::ranges::equal(jitted(x).data<float>(), v.data<float>())) << "the number of images is a symbol";
  }
}

TEST(Statistics, WhereBlocksEndHasNoPartInDerivatives) {
  const Tensor x = normal(Key(3), {3, 2, 2, 5}, 0, 1, DType::f64), t = normal(Key(4), {3, 2, 2, 5}, 0, 1, DType::f64);
  const auto merged = [](const Tensor& a) { return sum(exp(variance(a, {0, 2, 3}, 1))); };
  const auto whole = [](const Tensor& a) {
    return sum(exp(variance(reshape(transpose(a, {1, 0, 2, 3}), {2, 30}), {1}, 1)));
  };
  const auto expect_near = [](const Tensor& a, const Tensor& b) {
    EXPECT_LT(max(abs(a - b)).item(), 1e-13 * max(abs(b)).item());
  };
  expect_near(grad(merged, x), grad(whole, x));
  expect_near(jvp(merged, x, t).second, jvp(whole, x, t).second);
  expect_near(hvp(merged, x, t), hvp(whole, x, t));
}

TEST(Statistics, InfinitiesAndEmptyBlocksAreNoNumbers) {
  Tensor x = Tensor::ones({2, 2, 3, 3});
  x.at({1, 0, 2, 2}) = INFINITY;
  const Tensor v = variance(x, {0, 2, 3});
  EXPECT_TRUE(std::isnan(v.array().get(0)));
  EXPECT_EQ(v.array().get(1), 0);
  for (const Shape& shape : {Shape{0, 2, 3, 3}, Shape{3, 2, 0, 3}})
    EXPECT_TRUE(std::isnan(variance(Tensor::ones(shape), {0, 2, 3}).array().get(1)));
}

TEST(Statistics, HalfFloatsOnBothSidesRoundOnce) {
  const Tensor x = cast(Tensor::full({300, 1, 300}, 1.f), DType::f16);
  EXPECT_EQ(sum(x, {0, 2}).item(), INFINITY);
  EXPECT_EQ(mean(x, {0, 2}).item(), 1);
  EXPECT_EQ(sum(x * 0.5f, {0, 2}).item(), 44992) << "45000 to the nearest f16";
}

}  // namespace
}  // namespace strata
