#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "strata/data/sampling/permutation.h"
#include "strata/data/sampling/random_bits.h"

namespace strata::data {
namespace {

std::vector<int64_t> order(int64_t count, uint64_t seed, int64_t epoch) {
  const Permutation permutation(count, seed, epoch);
  std::vector<int64_t> places(count);
  for (int64_t i = 0; i < count; ++i) places[i] = permutation(i);
  return places;
}

TEST(Permutation, IsABijectionForEveryCount) {
  for (int64_t count = 1; count < 300; ++count) {
    std::vector<int64_t> places = order(count, 7, count % 3);
    std::sort(places.begin(), places.end());
    for (int64_t i = 0; i < count; ++i) ASSERT_EQ(places[i], i) << count;
  }
}

TEST(Permutation, EpochsAndSeedsGiveOtherOrdersAndTheSameGiveTheSame) {
  EXPECT_EQ(order(1000, 1, 0), order(1000, 1, 0));
  EXPECT_NE(order(1000, 1, 0), order(1000, 1, 1));
  EXPECT_NE(order(1000, 1, 0), order(1000, 2, 0));
}

TEST(Permutation, PlacesAreUniform) {
  // Where item 0 .. 4 lands over 4000 epochs, in 10 bins: chi-square of 9 degrees of freedom, 99.99 % below 34.
  for (int64_t item = 0; item < 5; ++item) {
    std::vector<int> bins(10);
    for (int64_t epoch = 0; epoch < 4000; ++epoch) ++bins[Permutation(50, 3, epoch)(item) / 5];
    double chi = 0;
    for (const int bin : bins) chi += (bin - 400.0) * (bin - 400.0) / 400.0;
    EXPECT_LT(chi, 34) << item;
  }
}

TEST(Permutation, NeighboursDoNotStayNeighbours) {
  const std::vector<int64_t> places = order(60000, 5, 2);
  int near = 0;
  for (size_t i = 1; i < places.size(); ++i) near += std::abs(places[i] - places[i - 1]) < 60;
  EXPECT_NEAR(near, 120, 60);  // 2 x 60 / 60000 of 60000
}

TEST(RandomBits, UsesEpochsIndicesAndSeedsHaveBitsOfTheirOwn) {
  const auto bits = random_bits(1, RandomUse::Augment, 2, 3);
  EXPECT_EQ(bits, random_bits(1, RandomUse::Augment, 2, 3));
  EXPECT_NE(bits, random_bits(1, RandomUse::Window, 2, 3));
  EXPECT_NE(bits, random_bits(1, RandomUse::Augment, 3, 3));
  EXPECT_NE(bits, random_bits(1, RandomUse::Augment, 2, 4));
  EXPECT_NE(bits, random_bits(1, RandomUse::Augment, 2, 3 + (int64_t{1} << 32)));
  EXPECT_NE(bits, random_bits(uint64_t{1} << 32 | 1, RandomUse::Augment, 2, 3));
}

TEST(RandomBits, BelowReachesTheWholeRangeAndNothingElse) {
  EXPECT_EQ(below(5, 0, 0), 0);
  EXPECT_EQ(below(5, 0xFFFFFFFF, 0xFFFFFFFF), 4);
  EXPECT_EQ(below(1, 0xFFFFFFFF, 0xFFFFFFFF), 0);
}

}  // namespace
}  // namespace strata::data
