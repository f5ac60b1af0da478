// Whole programs: which kernels are tuned how often, what is written down, and that it is taken when they are compiled.
#include "strata/compiler/tune/tune.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/compiler/testing/programs.h"
#include "strata/machine/machine_word.h"

namespace strata::compiler::tune {
namespace {

/// A product and an element kernel, open in one size.
std::shared_ptr<ir::Graph> layer() {
  return parsed(R"(func @layer(%x: f32[N, 32], %w: f32[32, 48]) -> (f32[N, 48], f32[N, 32]) {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = exp %x
  return %0, %1
})");
}

/// Says that schedules with few points or rows in a task are fast.
class MadeUp final : public Bench {
 public:
  explicit MadeUp(const std::string& heuristic) : incumbent_(time(heuristic)) {}
  Trial measure(const std::string& rewrites, Effort) override {
    return {Outcome::Measured, time(rewrites) / incumbent_, time(rewrites), ""};
  }
  bool promote(const std::string& rewrites) override { return incumbent_ = time(rewrites), true; }

 private:
  static double time(const std::string& rewrites) {
    double longest = 1;
    for (const Rewrite& rewrite : parse_rewrites(rewrites))
      if (rewrite.verb == "parallel") longest = static_cast<double>(rewrite.parts[0].numbers[0]);
    return 1e-6 * longest;
  }
  double incumbent_;
};

TuneOptions made_up(int64_t trials) {
  TuneOptions options{.dims = {{"N", 100}}, .seconds = 1e6, .trials = trials};
  options.make_bench = [](const NaiveKernel& naive, const std::vector<int64_t>& dims) {
    const ScheduleSpace space(naive, chosen_target().vector_unit().value(), dims);
    return std::make_unique<MadeUp>(space.heuristic().value().rewrites);
  };
  return options;
}

/// A process may be killed at any time: whoever keeps trials and schedules has heard of them by the next trial.
TEST(Tune, TellsTrialsAndBetterSchedulesAsTheyCome) {
  const NoDiskCache no_cache;
  TuneOptions options = made_up(60);
  int told = 0, late = 0;
  ScheduleDatabase kept;
  options.on_measured = [&](const MeasuredSchedule& trial) {
    ++told;
    EXPECT_FALSE(trial.kernel.name.empty());
    EXPECT_FALSE(trial.rewrites.empty());
    EXPECT_GT(trial.relative, 0);
  };
  options.on_trial = [&](const TuneProgress& now) { late += now.trials > told; };
  options.on_better = [&](const ScheduleDatabase& better) {
    EXPECT_EQ(better.size(), 1u);
    kept.merge(better);
  };
  const TuneResult result = tune(*layer(), options);
  int trials = static_cast<int>(result.kernels.size());  // the heuristic's schedule of each is measured, too
  for (const TunedKernel& kernel : result.kernels) trials += kernel.trials;
  EXPECT_EQ(told, trials);
  EXPECT_EQ(late, 0);
  const ScheduleDatabase found = result.faster();
  ASSERT_EQ(kept.size(), found.size());
  for (const auto& [key, entry] : found.entries()) EXPECT_EQ(kept.entries().at(key).rewrites, entry.rewrites);
}

TEST(Tune, WhatIsFoundIsTakenAndKeepsTheBits) {
  const NoDiskCache no_cache;
  const auto graph = layer();
  const TuneResult result = tune(*graph, made_up(60));
  ASSERT_EQ(result.kernels.size(), 2u);
  EXPECT_GE(result.trials, 60);
  for (const TunedKernel& kernel : result.kernels) {
    EXPECT_EQ(kernel.untuned, "");
    EXPECT_GT(kernel.trials, 0);
  }
  const ScheduleDatabase found = result.faster();
  ASSERT_GE(found.size(), 1u);
  for (const auto& [key, entry] : found.entries()) {
    EXPECT_EQ(entry.machine, machine::machine_word());
    EXPECT_LT(entry.measured->seconds, entry.measured->heuristic_seconds);
  }
  const auto arguments = random_arguments(*graph, 3);
  const auto plain = compile(graph)->run(copies_of(arguments));
  CompileOptions tuned{.schedules = std::make_shared<const ScheduleDatabase>(found), .is_strict = true};
  EXPECT_EQ(first_difference(plain, compile(graph, tuned)->run(copies_of(arguments))), std::nullopt);
}

TEST(Tune, MeasuresKernelsForReal) {
  const NoDiskCache no_cache;
  TuneOptions options{.dims = {{"N", 9}}, .seconds = 1e6, .trials = 6};
  const TuneResult result = tune(*layer(), options);
  EXPECT_GE(result.trials, 6);
  for (const TunedKernel& kernel : result.kernels) {
    EXPECT_EQ(kernel.untuned, "");
    EXPECT_GT(kernel.heuristic_seconds, 0);
    EXPECT_LE(kernel.best_seconds, kernel.heuristic_seconds);
    for (const Outcome never : {Outcome::WrongBits, Outcome::Crashed, Outcome::TimedOut})
      EXPECT_EQ(kernel.outcomes[static_cast<size_t>(never)], 0) << kernel.reasons[static_cast<size_t>(never)];
  }
}

TEST(Tune, CountsLaunchesOfOneNestInALoopAndBesideIt) {
  const TuneResult result = tune(*parsed(R"(func @loop(%x: f32[5, 64]) -> (f32[64], f32[5, 64]) {
  %0 = slice %x {start = [0, 0], limit = [1, 64], stride = [1, 1]}
  %1 = reshape %0 {dims = [64]}
  %2, %3 = scan %1, %x {length = [5], constants = 0, carries = 1, reverse = false}
    func @body(%c: f32[64], %s: f32[64]) -> (f32[64], f32[64]) {
      %4 = sort %s {axis = 0, descending = false}
      %5 = add %c, %4
      return %5, %5
    }
  return %2, %3
})"),
                                 [] {
                                   TuneOptions options = made_up(4);
                                   options.dims.clear();
                                   return options;
                                 }());
  EXPECT_TRUE(std::ranges::any_of(result.kernels, [](const TunedKernel& k) { return k.launches == 5; }));
}

TEST(Tune, StopsWhenItIsToldToAndKeepsWhatItHas) {
  TuneOptions options = made_up(0);
  int asked = 0;
  options.should_stop = [&] { return ++asked > 40; };
  const TuneResult result = tune(*layer(), options);
  EXPECT_TRUE(result.was_stopped);
  EXPECT_GT(result.trials, 10);
  EXPECT_GE(result.faster().size(), 1u);
}

TEST(Tune, OnlyOneKernel) {
  TuneOptions options = made_up(10);
  options.kernel = 1;
  const TuneResult result = tune(*layer(), options);
  ASSERT_EQ(result.kernels.size(), 1u);
  EXPECT_GE(result.kernels[0].trials, 10);
}

TEST(ErrorMessages, OfATuningThatCannotBe) {
  TuneOptions options = made_up(1);
  options.kernel = 7;
  EXPECT_EQ(base::message_of([&] { tune(*layer(), options); }),
            "error[E0750]: tune: --kernel is 7, but layer has 2 kernels, counted from 0");
  options.kernel.reset();
  options.dims.clear();
  EXPECT_EQ(base::message_of([&] { tune(*layer(), options); }),
            "error[E0344]: layer leaves the size N open\nhint: say for which size to tune: --dim N=16");
  options.dims = {{"N", 0}};
  EXPECT_EQ(base::message_of([&] { tune(*layer(), options); }),
            "error[E0344]: tune: the size N is 0, expected 1 or more\nhint: kernels of empty arrays take no time");
  options.dims = {{"N", 3}, {"M", 4}};
  EXPECT_EQ(base::message_of([&] { tune(*layer(), options); }),
            "error[E0344]: layer has no size M; it has N\nhint: a size is named as in the program's types: f32[N, 7] "
            "has N");
}

}  // namespace
}  // namespace strata::compiler::tune
