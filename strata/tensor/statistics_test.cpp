// Variance and standard deviation where they end: equal elements, fewer elements than the correction takes away, sums
// of squares that a half float does not hold.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/ops/numpy_names.h"
#include "strata/tensor/grad.h"
#include "strata/tensor/jit.h"

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

}  // namespace
}  // namespace strata
