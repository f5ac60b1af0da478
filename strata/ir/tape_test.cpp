#include "strata/ir/tape.h"

#include <gtest/gtest.h>

namespace strata::ir {
namespace {

std::vector<HostArray> row_of(int64_t number) {
  HostArray a(DType::f32, {7, 3}), b(DType::i64, {}), empty(DType::f64, {0, 4});
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, number + i);
  b.set_int(0, number);
  return {a, b, empty};
}

TEST(Tape, GivesBackTheLastRowFirstOverAnyNumberOfPages) {
  for (const int64_t rows : {0, 1, 2, 5'000, 20'000}) {
    Tape tape;
    for (int64_t r = 0; r < rows; ++r) tape.push(row_of(r));
    for (int64_t r = rows; r-- > 0;) {
      ASSERT_FALSE(tape.is_empty());
      const std::vector<HostArray> row = tape.pop(), expected = row_of(r);
      for (size_t i = 0; i < row.size(); ++i) ASSERT_TRUE(row[i].same_bits(expected[i])) << r << " " << i;
    }
    EXPECT_TRUE(tape.is_empty());
  }
}

TEST(Tape, MayGrowAgainAndKeepsNothingOfNothing) {
  Tape tape;
  for (int64_t r = 0; r < 9'000; ++r) tape.push(row_of(r));
  for (int64_t r = 0; r < 8'000; ++r) tape.pop();
  for (int64_t r = 0; r < 9'000; ++r) tape.push(row_of(-r));
  EXPECT_EQ(tape.pop()[1].get_int(0), -8'999);
  Tape without_arrays;
  for (int i = 0; i < 100'000; ++i) without_arrays.push({});
  EXPECT_TRUE(without_arrays.pop().empty());
}

TEST(Tape, ItsMemoryIsCountedAndGivenBack) {
  const int64_t before = tape_memory().bytes;
  reset_most_tape_memory();
  {
    Tape tape;
    const std::vector<HostArray> row{HostArray(DType::f32, {1 << 20})};
    for (int i = 0; i < 3; ++i) tape.push(row);
    EXPECT_EQ(tape_memory().bytes - before, 3 << 22);
    const HostArray last = tape.pop()[0];
    tape.pop();
    EXPECT_EQ(tape_memory().bytes - before, 2 << 22) << "the last array is still held";
  }
  EXPECT_EQ(tape_memory().bytes, before);
  EXPECT_EQ(tape_memory().most_bytes - before, 3 << 22);
}

}  // namespace
}  // namespace strata::ir
