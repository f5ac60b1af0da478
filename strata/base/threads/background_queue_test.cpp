#include "strata/base/threads/background_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace strata::base {
namespace {

TEST(BackgroundQueue, HandsOutItemsInOrderWhateverTheTiming) {
  for (int workers : {1, 2, 4})
    for (int depth : {1, 2, 5}) {
      BackgroundQueue<int64_t> queue({workers, depth}, [](int64_t i) -> std::optional<int64_t> {
        if (i == 40) return std::nullopt;
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
        return i * i;
      });
      for (int64_t i = 0; i < 40; ++i) ASSERT_EQ(queue.next(), i * i);
      EXPECT_EQ(queue.next(), std::nullopt);
      EXPECT_EQ(queue.next(), std::nullopt);
    }
}

TEST(BackgroundQueue, NeverRunsAheadByMoreThanItsDepth) {
  std::atomic<int64_t> made{0};
  BackgroundQueue<int64_t> queue({2, 3}, [&](int64_t i) -> std::optional<int64_t> {
    ++made;
    return i;
  });
  for (int64_t taken = 1; taken <= 50; ++taken) {
    EXPECT_EQ(queue.next(), taken - 1);
    EXPECT_LE(made, taken + 3);
  }
}

TEST(BackgroundQueue, ExceptionIsThrownOnceAtItsPlaceAndEndsTheSequence) {
  for (int workers : {1, 3}) {
    BackgroundQueue<int> queue({workers, 4}, [](int64_t i) -> std::optional<int> {
      if (i == 5) throw std::runtime_error("bad sample");
      return i;
    });
    for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.next(), i);
    EXPECT_THROW(queue.next(), std::runtime_error);
    EXPECT_EQ(queue.next(), std::nullopt);
  }
}

TEST(BackgroundQueue, StopsCleanlyWithItemsLeft) {
  for (int round = 0; round < 50; ++round) {
    BackgroundQueue<std::vector<int>> queue({2, 4}, [](int64_t) { return std::vector<int>(100, 1); });
    if (round % 2) queue.next();
  }
}

TEST(BackgroundQueue, CarriesItemsThatCanOnlyBeMoved) {
  BackgroundQueue<std::unique_ptr<int>> queue({1, 2},
                                              [](int64_t i) { return std::optional(std::make_unique<int>(i)); });
  EXPECT_EQ(**queue.next(), 0);
  EXPECT_EQ(**queue.next(), 1);
}

}  // namespace
}  // namespace strata::base
