// A budget of seconds: the steps that it becomes are settled before the first one, and are what reproduces the run.
#include "strata/train/time_budget.h"

#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/train/config/recipe.h"
#include "strata/train/config/schema.h"
#include "strata/train/open_task.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/run/tree_state.h"
#include "strata/train/testing/made_up_images.h"
#include "strata/train/trainer.h"

namespace strata::train {
namespace {

class TimeBudget : public testing::Test {
 protected:
  TimeBudget() { write_made_up_data_set(folder_.path()); }
  base::Config config(std::vector<std::string> more) const {
    std::vector<std::string> overrides = {"data.path=" + folder_.path(), "data.validation=20", "train.batch=32",
                                          "optim.warmup=2"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return base::parse_config(training_schema(), "", "test", overrides);
  }
  Snapshot checkpoint_of(const std::string& run) const {
    Snapshot s = load_checkpoint(folder_ / (run + "/checkpoint.safetensors"));
    s.facts.erase("milliseconds");
    return s;
  }
  static void expect_same(const Snapshot& a, const Snapshot& b) {
    EXPECT_EQ(a.facts, b.facts);
    for (const auto& [name, array] : a.tensors) EXPECT_TRUE(array.same_bits(b.tensors.at(name))) << name;
  }
  base::TempFolder folder_;
};

/// Every step takes 4 ms of its own clock, the first, which compiles, 100.
class SlowTask final : public Task {
 public:
  std::string title() const override { return "slow"; }
  std::string unit() const override { return "steps"; }
  int64_t parameters() const override { return 0; }
  int64_t steps_per_epoch() const override { return 1; }
  std::shared_ptr<const runtime::Executable> program() override { throw base::Error(base::code::kBug, "it has none"); }
  int64_t batch_size() const override { return 1; }
  double flops_per_step() override { return 0; }
  StepResult step(double) override {
    seconds_ += steps_++ == 0 ? 0.1 : 0.004;
    return {.is_finite = steps_ != first_bad_step};
  }
  std::vector<Measure> evaluate() override { return {}; }
  std::vector<Measure> test() override { return {}; }
  void save(Snapshot& snapshot) const override { snapshot.facts["at"] = std::to_string(steps_); }
  void restore(const Snapshot& snapshot) override { steps_ = integer_fact(snapshot, "at"); }
  std::vector<NamedTensor> weights() const override { return {}; }
  std::vector<NamedTensor> batch(int64_t) override { return {}; }
  void show(report::Page&, const RunFolder&) override {}

  int64_t within(double seconds, int64_t most) {
    return steps_within(seconds, most, *this, optim::constant(1), [&] { return seconds_; });
  }

  int64_t steps_ = 0, first_bad_step = -1;
  double seconds_ = 0;
};

TEST_F(TimeBudget, CountsWhatStepsTakeWithoutTheOneThatCompilesAndTakesThemBack) {
  SlowTask task;
  EXPECT_NEAR(static_cast<double>(task.within(0.5, 1000)), 125, 1);
  EXPECT_EQ(task.steps_, 0);
  EXPECT_EQ(task.within(0.5, 7), 7) << "not more than without a budget";
  EXPECT_EQ(task.within(1e-9, 1000), 1);
}

TEST_F(TimeBudget, AStepThatIsNotFiniteIsLeftToTheTraining) {
  SlowTask task;
  task.first_bad_step = 1;
  EXPECT_EQ(task.within(0.5, 1000), 1000);
}

TEST_F(TimeBudget, TheSavedConfigReproducesTheRunInItsSteps) {
  const base::Config c = config({"train.seconds=0.2", "train.epochs=1000"});
  const TrainingResult first = train(c, RunFolder(folder_ / "a", Start::Fresh), Start::Fresh);
  const auto saved = open_config(folder_ / "a/config.toml");
  EXPECT_EQ(saved->int_at("train.steps"), first.steps);
  EXPECT_EQ(saved->float_at("train.seconds"), 0);
  train(*saved, RunFolder(folder_ / "b", Start::Fresh), Start::Fresh);
  expect_same(checkpoint_of("a"), checkpoint_of("b"));
}

TEST_F(TimeBudget, AResumedRunKeepsTheStepsOfItsCheckpoint) {
  train(config({"train.steps=12"}), RunFolder(folder_ / "whole", Start::Fresh), Start::Fresh);
  // What a run of 12 steps has left behind when it was killed after 5.
  const base::Config budgeted = config({"train.seconds=100"});
  const auto killed = make_task(budgeted);
  for (int64_t i = 0; i < 5; ++i) killed->step(learning_rates(budgeted, 12)(i));
  Snapshot snapshot;
  killed->save(snapshot);
  snapshot.facts.insert({{"step", "5"}, {"steps", "12"}, {"milliseconds", "50"}});
  const RunFolder run(folder_ / "killed", Start::Fresh);
  save_checkpoint(run.file("checkpoint.safetensors"), snapshot);
  train(budgeted, run, Start::Resume);
  expect_same(checkpoint_of("whole"), checkpoint_of("killed"));
}

}  // namespace
}  // namespace strata::train
