#include "strata/base/random/splitmix64.h"

#include <gtest/gtest.h>

namespace strata::base {
namespace {

/// The first words that the reference implementation (Vigna, splitmix64.c) gives for seed 1234567.
TEST(SplitMix64, GivesTheWordsOfTheReferenceImplementation) {
  SplitMix64 random(1234567);
  for (uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(random.next(), expected);
}

TEST(SplitMix64, UnitsAndNumbersBelowABoundStayInTheirRanges) {
  SplitMix64 random(5);
  bool has_seen[3] = {};
  for (int i = 0; i < 1000; ++i) {
    const double unit = random.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
    const uint64_t number = random.below(3);
    ASSERT_LT(number, 3u);
    has_seen[number] = true;
  }
  EXPECT_TRUE(has_seen[0] && has_seen[1] && has_seen[2]);
}

}  // namespace
}  // namespace strata::base
