// Where trials go, on curves that are known.
#include "strata/compiler/tune/task_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace strata::compiler::tune {
namespace {

TEST(TaskScheduler, EachGetsARoundFirstTheMostExpensiveBeforeTheOthers) {
  const TaskProgress cheap{.launches = 1, .rounds = {1e-3}}, often{.launches = 100, .rounds = {1e-3}},
      done{.launches = 1000, .rounds = {1, 0.5}};
  EXPECT_EQ(next_task(std::vector{cheap, often, done}), 1u);
  EXPECT_EQ(next_task(std::vector{cheap, done}), 0u);
}

TEST(TaskScheduler, WhatIsExhaustedGetsNothing) {
  TaskProgress only{.rounds = {1, 1}};
  EXPECT_EQ(next_task(std::vector{only}), 0u);
  only.is_exhausted = true;
  EXPECT_EQ(next_task(std::vector{only}), std::nullopt);
  EXPECT_EQ(expected_gain(only), 0);
  EXPECT_EQ(next_task({}), std::nullopt);
}

TEST(TaskScheduler, WhatStandsAtItsBoundGetsNothingMore) {
  const TaskProgress at_bound{.launches = 10, .bound_seconds = 1, .rounds = {1, 1, 1, 1}},
      far{.launches = 1, .bound_seconds = 0.1, .rounds = {1, 1, 1, 1}};
  EXPECT_EQ(expected_gain(at_bound), 0);
  EXPECT_EQ(next_task(std::vector{at_bound, far}), 1u);
}

TEST(TaskScheduler, TrialsGoWhereTimeFalls) {
  // Two kernels of one share of the time: one falls by a tenth each round down to its half, the other never.
  std::vector<TaskProgress> tasks{{.launches = 1, .rounds = {1.0}}, {.launches = 1, .rounds = {1.0}}};
  std::vector<int> rounds(2);
  for (int i = 0; i < 40; ++i) {
    const size_t t = next_task(tasks).value();
    ++rounds[t];
    const double now = tasks[t].rounds.back();
    tasks[t].rounds.push_back(t == 0 ? std::max(0.5, 0.9 * now) : now);
  }
  EXPECT_GE(rounds[0], 10) << "it got to its half";
  EXPECT_GE(rounds[1], 10) << "what did not fall yet is not given up";
  EXPECT_EQ(tasks[0].rounds.back(), 0.5);
}

TEST(TaskScheduler, ATenfoldShareGetsMostOfTheTrials) {
  std::vector<TaskProgress> tasks{{.launches = 10, .rounds = {1.0}}, {.launches = 1, .rounds = {1.0}}};
  std::vector<int> rounds(2);
  for (int i = 0; i < 33; ++i) {
    const size_t t = next_task(tasks).value();
    ++rounds[t];
    tasks[t].rounds.push_back(tasks[t].rounds.back());
  }
  EXPECT_GE(rounds[0], 8 * rounds[1]);
  EXPECT_GE(rounds[1], 1);
}

}  // namespace
}  // namespace strata::compiler::tune
