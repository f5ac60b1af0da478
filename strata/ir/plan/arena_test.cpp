#include "strata/ir/plan/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::ir {
namespace {

/// No two requests that are alive together may share a byte.
void expect_disjoint(const std::vector<ArenaRequest>& requests, const ArenaLayout& layout) {
  for (size_t i = 0; i < requests.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const ArenaRequest &a = requests[i], &b = requests[j];
      if (a.bytes == 0 || b.bytes == 0 || a.first > b.last || b.first > a.last) continue;
      const bool is_apart =
          layout.offsets[i] + a.bytes <= layout.offsets[j] || layout.offsets[j] + b.bytes <= layout.offsets[i];
      EXPECT_TRUE(is_apart) << i << " and " << j;
    }
}

TEST(Arena, ChainOfTwoLiveBuffersTakesTwoSlots) {
  const std::vector<ArenaRequest> chain = {{0, 1, 640}, {1, 2, 640}, {2, 3, 640}, {3, 4, 640}};
  const ArenaLayout layout = lay_out_arena(chain);
  expect_disjoint(chain, layout);
  EXPECT_EQ(layout.bytes, 1280);
  EXPECT_EQ(layout.largest_live, 1280);
}

TEST(Arena, EmptyRequestsTakeNothing) {
  EXPECT_EQ(lay_out_arena({}).bytes, 0);
  const std::vector<ArenaRequest> empty = {{0, 5, 0}, {2, 3, 0}};
  EXPECT_EQ(lay_out_arena(empty).bytes, 0);
}

TEST(Arena, RandomLifetimesAreDisjointAlignedAndNearTheLowerBound) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<ArenaRequest> requests;
    for (int i = 0; i < 120; ++i) {
      const int first = random() % 100, length = random() % 12;
      requests.push_back({first, first + length, static_cast<int64_t>(random() % 5000)});
    }
    const ArenaLayout layout = lay_out_arena(requests);
    expect_disjoint(requests, layout);
    for (int64_t offset : layout.offsets) EXPECT_EQ(offset % 64, 0);
    EXPECT_GE(layout.bytes, layout.largest_live);
    EXPECT_LE(static_cast<double>(layout.bytes), 1.35 * static_cast<double>(layout.largest_live));
  }
}

/// A scan's large operand dies when the large result of the next begins; what lies between them lives through both.
TEST(Arena, WhatIsAliveAtThePeakHasNoGaps) {
  std::vector<ArenaRequest> requests{{0, 1, 4096}, {1, 5, 4096}, {7, 11, 4096}};
  for (int i = 0; i < 13; ++i) requests.push_back({5, 7, 1024});
  const ArenaLayout layout = lay_out_arena(requests);
  expect_disjoint(requests, layout);
  EXPECT_EQ(layout.largest_live, 4096 + 13 * 1024);
  EXPECT_EQ(layout.bytes, layout.largest_live);
}

TEST(Arena, VeryManyBuffersStayDisjointAndNearTheLowerBound) {
  std::mt19937 random(11);
  std::vector<ArenaRequest> chain, kept, mixed;
  for (int i = 0; i < 4000; ++i) {
    chain.push_back({i, i + 1, 640});
    kept.push_back({i, 8000 - i, 100});  // what a backward pass reads again, the last one first
    const int length = random() % 200;
    mixed.push_back({i, i + length, static_cast<int64_t>(random() % 5000)});
  }
  for (const auto* requests : {&chain, &kept, &mixed}) {
    const ArenaLayout layout = lay_out_arena(*requests);
    expect_disjoint(*requests, layout);
    for (int64_t offset : layout.offsets) ASSERT_EQ(offset % 64, 0);
    EXPECT_GE(layout.bytes, layout.largest_live);
    EXPECT_LE(static_cast<double>(layout.bytes), 1.35 * static_cast<double>(layout.largest_live));
  }
  EXPECT_EQ(lay_out_arena(chain).bytes, 1280);
  EXPECT_EQ(lay_out_arena(kept).bytes, 4000 * 128);
}

}  // namespace
}  // namespace strata::ir
