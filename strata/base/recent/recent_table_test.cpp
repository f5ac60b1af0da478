#include "strata/base/recent/recent_table.h"

#include <gtest/gtest.h>

namespace strata::base {
namespace {

TEST(RecentTable, ForgetsWhatWasNotUsedForTheLongestTime) {
  RecentTable<int> table(3);
  for (int i = 0; i < 3; ++i) table.keep(Hash128{static_cast<uint64_t>(i), 0}, i);
  EXPECT_EQ(*table.find(Hash128{0, 0}), 0);
  table.keep(Hash128{3, 0}, 3);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.find(Hash128{1, 0}), nullptr);
  EXPECT_NE(table.find(Hash128{0, 0}), nullptr);
  EXPECT_EQ(table.keep(Hash128{2, 0}, 20), 2) << "a key keeps its first entry";
}

TEST(RecentTable, OfOneEntryKeepsTheLast) {
  RecentTable<int> table(1);
  table.keep(Hash128{1, 0}, 1);
  table.keep(Hash128{2, 0}, 2);
  EXPECT_EQ(table.find(Hash128{1, 0}), nullptr);
  EXPECT_EQ(*table.find(Hash128{2, 0}), 2);
}

}  // namespace
}  // namespace strata::base
