#include "strata/infer/sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "strata/base/error/error.h"

namespace strata::infer {
namespace {

const std::vector<float> kLogits = {0.f, 2.f, 1.f, 2.f};

TEST(Sampler, TemperatureZeroTakesTheMostLikelyAndOfEqualsTheFirst) {
  EXPECT_EQ(sample(kLogits, {.temperature = 0}, 7), 1);
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  std::vector<double> counts(4);
  const int draws = 20000;
  for (int i = 0; i < draws; ++i) ++counts[sample(kLogits, {.seed = 3}, i)];
  const double total = 1 + std::exp(1.0) + 2 * std::exp(2.0);
  for (size_t t = 0; t < 4; ++t) EXPECT_NEAR(counts[t] / draws, std::exp(kLogits[t]) / total, 0.015) << t;
}

TEST(Sampler, TopKLeavesOutTheRest) {
  for (int i = 0; i < 500; ++i) {
    const int64_t token = sample(kLogits, {.temperature = 5, .top_k = 2}, i);
    EXPECT_TRUE(token == 1 || token == 3);
  }
}

TEST(Sampler, TheSameSeedAndPlaceGiveTheSameToken) {
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sample(kLogits, {.seed = 9}, i), sample(kLogits, {.seed = 9}, i));
    different += sample(kLogits, {.seed = 9}, i) != sample(kLogits, {.seed = 10}, i);
  }
  EXPECT_GT(different, 10);
}

TEST(Sampler, NanIsNeverDrawnAndInfinityAlways) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(sample(std::vector<float>{nan, 1.f, nan}, {}, i), 1);
    EXPECT_EQ(sample(std::vector<float>{5.f, inf, -inf}, {}, i), 1);
  }
  EXPECT_THROW(sample(std::vector<float>{nan}, {}, 0), base::Error);
  EXPECT_THROW(sample({}, {}, 0), base::Error);
}

}  // namespace
}  // namespace strata::infer
