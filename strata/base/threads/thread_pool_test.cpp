#include "strata/base/threads/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace strata::base {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<RunOptions> all_options() {
  return {{Split::Static, 1}, {Split::Dynamic, 1}, {Split::Dynamic, 7}, {Split::Dynamic, 1000}};
}

TEST(ThreadPool, EveryTaskRunsOnceForAllSizesSplitsAndThreadCounts) {
  for (int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    for (RunOptions options : all_options())
      for (int64_t count : {0, 1, 2, 3, 4, 5, 17, 1000}) {
        std::vector<std::atomic<int>> hits(count);
        std::atomic<int> worst_slot{0};
        pool.run(
            count,
            [&](TaskRange range) {
              if (range.slot >= threads || range.slot < 0) worst_slot = range.slot;
              for (int64_t i = range.begin; i < range.end; ++i) ++hits[i];
            },
            options);
        for (auto& hit : hits) ASSERT_EQ(hit, 1);
        ASSERT_EQ(worst_slot, 0);
      }
  }
}

TEST(ThreadPool, WorkersTakePartInLongTasks) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  pool.run(2, [&](TaskRange) {  // ends only if both ranges are under way at once
    ++arrived;
    const auto start = Clock::now();
    while (arrived < 2 && Clock::now() - start < std::chrono::seconds(10)) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadPool, NestedRunsAreSerialOnTheirCaller) {
  ThreadPool pool(2);
  std::atomic<int> total{0};
  pool.run(4, [&](TaskRange outer) {
    for (int64_t i = outer.begin; i < outer.end; ++i)
      pool.run(10, [&, self = std::this_thread::get_id()](TaskRange inner) {
        EXPECT_EQ(std::this_thread::get_id(), self);
        EXPECT_EQ(inner.end - inner.begin, 10);
        total += inner.end - inner.begin;
      });
  });
  EXPECT_EQ(total, 40);
}

TEST(ThreadPool, ExceptionsReachTheCallerOnceAndThePoolSurvives) {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (RunOptions options : all_options())
      for (int64_t bad : {0, 50, 99}) {
        const auto body = [&](TaskRange range) {
          for (int64_t i = range.begin; i < range.end; ++i)
            if (i == bad) throw std::runtime_error("task failed");
        };
        EXPECT_THROW(pool.run(100, body, options), std::runtime_error);
        std::atomic<int> done{0};
        pool.run(100, [&](TaskRange range) { done += range.end - range.begin; }, options);
        EXPECT_EQ(done, 100);
      }
  }
}

TEST(ThreadPool, RunsFromSeveralThreadsAtOnceAllFinish) {
  ThreadPool pool(3);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) pool.run(16, [&](TaskRange range) { total += range.end - range.begin; });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total, 3 * 200 * 16);
}

TEST(ThreadPool, TwoCallersShareTheWorkers) {
  ThreadPool pool(4);
  std::barrier both(2);
  std::atomic<int> most{0};
  const auto caller = [&] {
    both.arrive_and_wait();
    for (int i = 0; i < 50; ++i) {
      std::atomic<int> slots{0};
      pool.run(8, [&](TaskRange range) {
        slots = std::max(slots.load(), range.slot + 1);
        if (range.begin == 0) both.arrive_and_wait();  // both runs are under way
      });
      most = std::max(most.load(), slots.load());
    }
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_GE(most, 2) << "the run that came second has workers, too";
}

TEST(ThreadPool, ARunTakesNoMoreSlotsThanItMay) {
  ThreadPool pool(4);
  for (int most : {1, 2, 3, 4, 9}) {
    std::atomic<int> ranges{0};
    pool.run(100, [&](TaskRange range) { ranges += range.slot < most; }, {.most_slots = most});
    EXPECT_EQ(ranges, std::min(most, 4));
  }
}

TEST(ThreadPool, ThreadCountChangesAtRunTime) {
  ThreadPool pool;
  EXPECT_EQ(pool.thread_count(), available_cpus());
  for (int threads : {3, 1, 2}) {
    pool.set_thread_count(threads);
    EXPECT_EQ(pool.thread_count(), threads);
    std::atomic<int> ranges{0};
    pool.run(100, [&](TaskRange) { ++ranges; });
    EXPECT_EQ(ranges, threads);
  }
  pool.set_thread_count(0);
  EXPECT_EQ(pool.thread_count(), available_cpus());
}

TEST(ThreadPool, RunsWhileParkedAndAfter) {
  ThreadPool pool(2);
  std::atomic<int> ranges{0};
  {
    ParkedScope parked(pool);
    pool.set_spin_ns(1'000'000);  // takes effect after the scope
    for (int i = 0; i < 20; ++i) pool.run(2, [&](TaskRange) { ++ranges; });
  }
  pool.run(2, [&](TaskRange) { ++ranges; });
  EXPECT_EQ(ranges, 42);
}

TEST(ThreadPool, SleepingWorkersLoseNoWakeUp) {
  ThreadPool pool(2);
  for (int64_t spin : {int64_t{0}, int64_t{1000}}) {  // pauses around the end of the spinning time
    pool.set_spin_ns(spin);
    std::atomic<int> arrived{0};
    for (int i = 0; i < 300; ++i) {
      arrived = 0;
      pool.run(2, [&](TaskRange) {
        ++arrived;
        while (arrived < 2) std::this_thread::yield();
      });
      const auto until = Clock::now() + std::chrono::nanoseconds(10 * i);
      while (Clock::now() < until) {
      }
    }
  }
}

TEST(ThreadPool, BothThreadsOfARunMeet) {
  ThreadPool pool(2);
  std::atomic<int64_t> arrived{0};
  pool.run(2, [&](TaskRange range) {
    arrived += range.end - range.begin;
    while (range.end - range.begin == 1 && arrived < 2)
      std::this_thread::yield();  // ends only if both ranges run at once
  });
  EXPECT_EQ(arrived, 2);
}

}  // namespace
}  // namespace strata::base
