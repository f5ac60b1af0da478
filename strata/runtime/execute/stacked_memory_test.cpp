#include "strata/runtime/execute/stacked_memory.h"

#include <gtest/gtest.h>

#include <cstring>

namespace strata::runtime {
namespace {

TEST(StackedMemory, StaysWhereItIsWhileMoreIsTaken) {
  StackedMemory memory;
  std::vector<std::byte*> pieces;
  for (int i = 0; i < 40; ++i) {
    pieces.push_back(memory.take(10'000));
    std::memset(pieces.back(), i, 10'000);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pieces.back()) % 64, 0u);
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(pieces[i][0], std::byte(i));
    EXPECT_EQ(pieces[i][9'999], std::byte(i));
  }
}

TEST(StackedMemory, IsTakenAgainBehindAMark) {
  StackedMemory memory;
  memory.take(100);
  const auto mark = memory.mark();
  std::byte* const first = memory.take(1000);
  memory.release(mark);
  EXPECT_EQ(memory.take(1000), first);
}

TEST(StackedMemory, OfSeveralBlocksIsOneTheNextTime) {
  StackedMemory memory;
  for (int i = 0; i < 5; ++i) memory.take(100'000);
  const int64_t bytes = memory.bytes();
  EXPECT_GE(bytes, 500'000);
  memory.release({});
  std::byte* const start = memory.take(250'000);
  EXPECT_EQ(memory.take(64), start + (250'000 + 63) / 64 * 64);
  EXPECT_EQ(memory.bytes(), bytes);
  memory.trim();
  EXPECT_EQ(memory.bytes(), 0);
}

TEST(StackedMemory, GivesNoBytesAPlaceOfTheirOwn) {
  StackedMemory memory;
  EXPECT_NE(memory.take(0), memory.take(0));
}

}  // namespace
}  // namespace strata::runtime
