// Training of LeNet on made-up images: resume bit for bit, run folders, and steps that are not finite.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/train/config/schema.h"
#include "strata/train/learner.h"
#include "strata/train/open_task.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/run/tree_state.h"
#include "strata/train/testing/made_up_images.h"
#include "strata/train/trainer.h"

namespace strata::train {
namespace {

base::Config image_config(const std::string& folder, std::vector<std::string> more = {}) {
  write_made_up_data_set(folder);
  std::vector<std::string> overrides = {"data.path=" + folder, "data.validation=20",     "train.batch=32",
                                        "train.epochs=3",      "data.augment=crop_flip", "optim.learning_rate=0.01",
                                        "train.log_every=1"};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return base::parse_config(training_schema(), "", "test", overrides);
}

Snapshot state_of(const Task& task) {
  Snapshot s;
  task.save(s);
  return s;
}

void expect_same(const Snapshot& a, const Snapshot& b) {
  EXPECT_EQ(a.facts, b.facts);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, array] : a.tensors) EXPECT_TRUE(array.same_bits(b.tensors.at(name))) << name;
}

void take_steps(Task& task, int from, int to) {
  for (int i = from; i < to; ++i) ASSERT_TRUE(task.step(0.01 - 0.001 * i).is_finite);
}

TEST(ImageTraining, AResumedTrainingIsTheSameBitForBit) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path());
  const auto whole = make_task(config), first = make_task(config), second = make_task(config);
  ASSERT_EQ(whole->steps_per_epoch(), 3);  // 80 images: two batches of 32, one of 16
  take_steps(*whole, 0, 8);
  take_steps(*first, 0, 4);
  save_checkpoint(folder / "c", state_of(*first));
  second->restore(load_checkpoint(folder / "c"));
  take_steps(*second, 4, 8);
  expect_same(state_of(*whole), state_of(*second));
}

TEST(ImageTraining, AResumedRunFolderEndsLikeAnUninterruptedOne) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path(), {"train.checkpoint_every=2"});
  train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh);
  const base::Config shorter = image_config(folder.path(), {"train.epochs=2"});
  train(shorter, RunFolder(folder / "b", Start::Fresh), Start::Fresh);
  // Another length is another schedule: what goes on is compared with what goes on.
  train(config, RunFolder(folder / "b", Start::Resume), Start::Resume);
  const Snapshot a = load_checkpoint(folder / "a/checkpoint.safetensors"),
                 b = load_checkpoint(folder / "b/checkpoint.safetensors");
  EXPECT_EQ(a.facts.at("step"), "9");
  EXPECT_EQ(b.facts.at("step"), "9");
  EXPECT_EQ(a.facts.at("loader"), b.facts.at("loader"));
  const std::string metrics = base::read_text(folder / "b/metrics.jsonl").value();
  for (int step = 1; step <= 9; ++step) {
    const std::string line = "{\"step\":" + std::to_string(step) + ",\"loss\"";
    EXPECT_EQ(metrics.find(line), metrics.rfind(line)) << step;
    EXPECT_NE(metrics.find(line), std::string::npos) << step;
  }
  for (const char* name : {"config.toml", "summary.json", "loss.svg", "report.html", "samples.png", "confusion.svg"})
    EXPECT_TRUE(base::is_file(folder / ("a/" + std::string(name)))) << name;
}

TEST(ImageTraining, TheSavedConfigReproducesTheRun) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path(), {"train.epochs=1"});
  train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh);
  const auto saved = open_config(folder / "a/config.toml");
  train(*saved, RunFolder(folder / "b", Start::Fresh), Start::Fresh);
  Snapshot a = load_checkpoint(folder / "a/checkpoint.safetensors"),
           b = load_checkpoint(folder / "b/checkpoint.safetensors");
  a.facts.erase("milliseconds"), b.facts.erase("milliseconds");
  expect_same(a, b);
  const OpenedTask opened = open_task(folder / "a");
  EXPECT_EQ(opened.step, 3);
}

TEST(ImageTraining, ARunThatIsLongerThanAskedForIsNotResumed) {
  const base::TempFolder folder;
  train(image_config(folder.path(), {"train.steps=4"}), RunFolder(folder / "a", Start::Fresh), Start::Fresh);
  const base::Config shorter = image_config(folder.path(), {"train.steps=3"});
  try {
    train(shorter, RunFolder(folder / "a", Start::Resume), Start::Resume);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0707");
  }
}

TEST(ImageTraining, ACheckpointOfAnotherOptimiserIsRefusedByName) {
  const base::TempFolder folder;
  const Snapshot adam = state_of(*make_task(image_config(folder.path(), {"optim.kind=adam"})));
  try {
    make_task(image_config(folder.path(), {"optim.kind=sgd"}))->restore(adam);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0705");
    EXPECT_NE(e.text().find("hint: optim.kind"), std::string::npos) << e.text();
  }
}

TEST(ImageTraining, WithoutValidationImagesAllAreTrainedOnAndNothingIsEvaluatedUntilTheTest) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path(), {"data.validation=0"});
  EXPECT_EQ(make_task(config)->steps_per_epoch(), 4) << "100 images in batches of 32";
  EXPECT_TRUE(make_task(config)->evaluate().empty());
  const TrainingResult result = train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh);
  ASSERT_EQ(result.measures.size(), 2u);
  EXPECT_EQ(result.measures[0].name, "test_loss");
  EXPECT_EQ(base::read_text(folder / "a/metrics.jsonl").value().find("evaluation"), std::string::npos);
  EXPECT_TRUE(base::is_file(folder / "a/report.html"));
  EXPECT_EQ(load_checkpoint(folder / "a/checkpoint.safetensors").facts.at("step"), "12");
}

TEST(ImageTraining, AMemoryBudgetThatCanNotBeMetIsRefusedWithTheTensorsOfThePeak) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path(), {"train.memory_budget=1"});
  try {
    train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0314");
    EXPECT_NE(e.text().find("f32[32,6,28,28]"), std::string::npos) << e.text();
  }
  const base::Config enough = image_config(folder.path(), {"train.memory_budget=100", "train.strict=true"});
  EXPECT_TRUE(make_task(enough)->step(0.01).is_finite);
}

TEST(ImageTraining, AStepThatIsNotFiniteNamesItsOpAndCommitsNothing) {
  const base::TempFolder folder;
  const base::Config config =
      image_config(folder.path(), {"optim.learning_rate=1e6", "optim.kind=sgd", "train.checkpoint_every=1"});
  const RunFolder run(folder / "run", Start::Fresh);
  try {
    train(config, run, Start::Fresh);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0704");
    EXPECT_NE(e.text().find("first made by"), std::string::npos) << e.text();
  }
  const Snapshot last = load_checkpoint(run.file("checkpoint.safetensors"));
  for (const auto& [name, array] : last.tensors)
    for (int64_t i = 0; i < array.elements(); ++i) ASSERT_TRUE(std::isfinite(array.get(i))) << name;
}

std::string text_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const base::Error& e) {
    return e.text();
  }
  return "no error";
}

TEST(ImageTraining, AnUpdateThatIsNotFiniteIsNeverSaved) {
  const base::TempFolder folder;
  // 1e-30 vanishes beside f32's smallest numbers: a pixel that is always dark divides 0 by 0.
  const base::Config config =
      image_config(folder.path(), {"optim.kind=adagrad", "optim.epsilon=1e-30", "optim.learning_rate=1e6",
                                   "train.log_every=1", "train.checkpoint_every=1", "optim.schedule=constant"});
  const RunFolder run(folder / "run", Start::Fresh);
  const std::string text = text_of([&] { train(config, run, Start::Fresh); });
  EXPECT_NE(text.find("error[E0704]"), std::string::npos) << text;
  if (run.has("checkpoint.safetensors")) {
    EXPECT_EQ(first_not_finite(load_checkpoint(run.file("checkpoint.safetensors"))), "");
  }
}

TEST(ImageTraining, AStateThatAFiniteLossCommittedIsLookedAtBeforeItIsSaved) {
  const base::TempFolder folder;
  const base::Config config = image_config(
      folder.path(), {"optim.kind=adagrad", "optim.epsilon=1e-30", "optim.learning_rate=1e6", "train.log_every=1",
                      "train.checkpoint_every=1", "optim.schedule=constant", "optim.commit=finite_loss"});
  const RunFolder run(folder / "run", Start::Fresh);
  const std::string text = text_of([&] { train(config, run, Start::Fresh); });
  EXPECT_NE(text.find("error[E0704]"), std::string::npos) << text;
  if (run.has("checkpoint.safetensors")) {
    EXPECT_EQ(first_not_finite(load_checkpoint(run.file("checkpoint.safetensors"))), "");
  }
}

TEST(ImageTraining, ClippingBesideAFiniteLossIsRefused) {
  const base::TempFolder folder;
  const std::string text =
      text_of([&] { make_task(image_config(folder.path(), {"optim.commit=finite_loss", "optim.clip=1.0"})); });
  EXPECT_NE(text.find("E0007]: --set optim.clip=1.0: optim.clip: clipping waits for all gradients, and optim.commit = "
                      "\"finite_loss\" for none"),
            std::string::npos)
      << text;
}

TEST(ImageTraining, DecaysOfOneAndAnEpsilonOfZeroAreRefused) {
  for (const char* bad : {"optim.epsilon=0", "optim.beta1=1", "optim.beta2=1.0"}) {
    const std::string overrides[] = {bad};
    EXPECT_THROW(base::parse_config(training_schema(), "", "test", overrides), base::Error) << bad;
  }
}

TEST(ImageTraining, AReplacedRunStaysUntilTheNewOneHasAStep) {
  const base::TempFolder folder;
  const std::string checkpoint = folder / "run/checkpoint.safetensors", summary = folder / "run/summary.json";
  train(image_config(folder.path()), RunFolder(folder / "run", Start::Fresh), Start::Fresh);
  const std::string old = base::read_text(checkpoint).value();
  const auto replace = [&](std::vector<std::string> more) {
    const base::Config config = image_config(folder.path(), std::move(more));
    return text_of([&] { train(config, RunFolder(folder / "run", Start::Replace), Start::Replace); });
  };
  EXPECT_NE(replace({"data.path=" + (folder / "nothing")}).find("E0634"), std::string::npos);
  EXPECT_NE(replace({"train.memory_budget=1"}).find("E0314"), std::string::npos);
  EXPECT_EQ(base::read_text(checkpoint).value(), old);
  EXPECT_TRUE(base::is_file(summary));
  // Ends after its first step: the old results are gone with the old checkpoint, not mixed with the new ones.
  EXPECT_NE(replace({"optim.learning_rate=1e6", "optim.schedule=constant"}).find("E0704"), std::string::npos);
  EXPECT_FALSE(base::is_file(summary));
}

TEST(ImageTraining, AStoppedTrainingSavesAndGoesOnBitForBit) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path());
  train(config, RunFolder(folder / "whole", Start::Fresh), Start::Fresh);
  int asked = 0;
  const std::string text = text_of(
      [&] { train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh, [&] { return ++asked == 4; }); });
  EXPECT_NE(text.find("error[E0711]: the training was stopped after step 4 of 9"), std::string::npos) << text;
  train(config, RunFolder(folder / "a", Start::Resume), Start::Resume);
  Snapshot whole = load_checkpoint(folder / "whole/checkpoint.safetensors"),
           parts = load_checkpoint(folder / "a/checkpoint.safetensors");
  whole.facts.erase("milliseconds"), parts.facts.erase("milliseconds");
  expect_same(whole, parts);
}

TEST(ImageTraining, ResumingAFinishedRunKeepsItsSummary) {
  const base::TempFolder folder;
  const base::Config config = image_config(folder.path(), {"train.log_every=100"});
  const TrainingResult first = train(config, RunFolder(folder / "a", Start::Fresh), Start::Fresh);
  const base::Json before = base::read_json(folder / "a/summary.json").value();
  const TrainingResult again = train(config, RunFolder(folder / "a", Start::Resume), Start::Resume);
  EXPECT_EQ(again.last_loss, first.last_loss);
  ASSERT_EQ(again.measures.size(), first.measures.size());
  const base::Json after = base::read_json(folder / "a/summary.json").value();
  for (const base::JsonMember& m : before.members())
    if (m.key != "seconds") {
      EXPECT_EQ(after.at(m.key).dump(), m.value.dump()) << m.key;
    }
}

struct ImageLoss {
  Tensor operator()(const models::LeNet& m, const Tensor& x, const Tensor& y, nn::Context&) const {
    return nn::cross_entropy(m(x), y);
  }
};
using ImageLearner = Learner<models::LeNet, ImageLoss>;

Sample made_up_sample(int64_t count, int64_t first = 0) {
  ir::HostArray x(ir::DType::f32, {count, 1, 28, 28}), y(ir::DType::i32, {count});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, std::sin(static_cast<double>(i + first * 784) * 0.37));
  for (int64_t i = 0; i < count; ++i) y.set_int(i, (i + first) * 3 % 10);
  return {Tensor(x), Tensor(y)};
}

TEST(Learner, NanInTheDataIsRefusedByTheOpThatMeetsIt) {
  const base::Config config(training_schema());
  ImageLearner learner(config, nn::init<models::LeNet>(Key(1)));
  Snapshot before, after;
  learner.save(before);
  Sample sample = made_up_sample(8);
  ir::HostArray poisoned = sample.x.array().clone();
  poisoned.set(5000, std::numeric_limits<double>::quiet_NaN());
  sample.x = Tensor(poisoned);
  const StepResult result = learner.step({&sample, 1}, 0.05);
  EXPECT_FALSE(result.is_finite);
  EXPECT_NE(result.culprit.find("conv"), std::string::npos) << result.culprit;
  learner.save(after);
  for (const auto& [name, array] : before.tensors) {
    if (name == "optimiser.grad_norm" || name == "optimiser.lr") continue;
    EXPECT_TRUE(array.same_bits(after.tensors.at(name))) << name;
  }
  const Sample sound = made_up_sample(8);
  EXPECT_TRUE(learner.step({&sound, 1}, 0.05).is_finite);
}

TEST(Learner, GatheredGradientsOfTwoHalvesAreThoseOfTheWhole) {
  const base::Config config =
      base::parse_config(training_schema(), "", "test", std::vector<std::string>{"optim.kind=sgd"});
  ImageLearner whole(config, nn::init<models::LeNet>(Key(1))), halves(config, nn::init<models::LeNet>(Key(1)));
  const Sample all = made_up_sample(16);
  const Sample parts[] = {made_up_sample(8), made_up_sample(8, 8)};
  const double loss = whole.step({&all, 1}, 0.05).loss;
  EXPECT_NEAR(halves.step(parts, 0.05).loss, loss, 1e-5);
  Snapshot a, b;
  whole.save(a), halves.save(b);
  for (const auto& [name, array] : a.tensors)
    for (int64_t i = 0; i < array.elements(); ++i) ASSERT_NEAR(array.get(i), b.tensors.at(name).get(i), 1e-4) << name;
}

TEST(LearningRate, WarmsUpAndFollowsItsSchedule) {
  const auto config = [](const std::string& schedule) {
    return base::parse_config(training_schema(), "", "test",
                              std::vector<std::string>{"optim.learning_rate=0.5", "optim.warmup=10",
                                                       "optim.final_fraction=0.1", "optim.schedule=" + schedule});
  };
  const auto at = [&](const std::string& schedule, int64_t step) {
    return learning_rates(config(schedule), 110)(step);
  };
  EXPECT_NEAR(at("cosine", 0), 0.05, 1e-12);
  EXPECT_NEAR(at("cosine", 9), 0.5, 1e-12);
  EXPECT_NEAR(at("cosine", 10), 0.5, 1e-12);
  EXPECT_NEAR(at("cosine", 60), 0.5 * 0.55, 1e-12) << "half of the steps behind the warm-up";
  EXPECT_NEAR(at("cosine", 110), 0.05, 1e-12);
  EXPECT_NEAR(at("constant", 100), 0.5, 1e-12);
  EXPECT_NEAR(at("linear", 60), 0.275, 1e-12);
  EXPECT_NEAR(at("step", 50), 0.05, 1e-12) << "a tenth after each third";
  EXPECT_NEAR(at("step", 109), 0.005, 1e-12);
  EXPECT_NEAR(learning_rates(config("cosine"), 5)(4), 0.25, 1e-12) << "shorter than its warm-up";
}

TEST(Schema, RefusesUnknownKeysWithTheNearestOne) {
  try {
    base::parse_config(training_schema(), "[train]\nstep = 5\n", "x.toml");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0006");
    EXPECT_NE(e.text().find("train.steps"), std::string::npos) << e.text();
  }
}

TEST(Schema, AModelAndDataThatDoNotSuitEachOtherAreRefused) {
  const base::Config config =
      base::parse_config(training_schema(), "", "test", std::vector<std::string>{"data.kind=king_james"});
  EXPECT_THROW(make_task(config), base::Error);
}

}  // namespace
}  // namespace strata::train
