// The commands around training, as a user types them: files that they leave, and exit codes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/stop_signal.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/testing/made_up_images.h"

namespace strata::cli {
namespace {

class TrainingCommands : public testing::Test {
 protected:
  TrainingCommands() {
    train::write_made_up_data_set(folder_.path());
    base::write_file(folder_ / "c.toml",
                     std::string_view("[data]\nvalidation = 20\n[train]\nbatch = 32\nepochs = 1\n"));
  }
  int strata(std::vector<std::string> arguments) { return run(arguments); }
  std::string data() const { return "data.path=" + folder_.path(); }
  base::TempFolder folder_;
};

TEST_F(TrainingCommands, TrainEvalAndResume) {
  const std::string config = folder_ / "c.toml", out = folder_ / "run";
  ASSERT_EQ(strata({"train", config, "--set", data(), "--out", out}), 0);
  EXPECT_TRUE(base::is_file(out + "/report.html"));
  EXPECT_EQ(strata({"train", config, "--set", data(), "--out", out}), 1) << "there is a run already";
  EXPECT_EQ(strata({"train", out, "--resume", "--set", "train.epochs=2"}), 0);
  const base::Json summary = base::read_json(out + "/summary.json").value();
  EXPECT_EQ(summary.at("steps").as_int(), 6);
  testing::internal::CaptureStdout();
  ASSERT_EQ(strata({"eval", out, "--json"}), 0);
  const base::Json measured = base::parse_json(testing::internal::GetCapturedStdout(), "stdout").value();
  EXPECT_EQ(measured.at("test_accuracy").as_double(), summary.at("test_accuracy").as_double());
  EXPECT_EQ(strata({"generate", out, "--prompt", "x"}), 1) << "a lenet generates no text";
}

TEST_F(TrainingCommands, InitDataInspectAndProfileWriteWhatTheySay) {
  const std::string config = folder_ / "c.toml";
  ASSERT_EQ(strata({"init", config, "--set", data(), "--out", folder_ / "w.safetensors"}), 0);
  const auto weights = formats::SafetensorsFile::open(folder_ / "w.safetensors").value();
  EXPECT_EQ(weights.array("fc1.weight").shape(), (std::vector<int64_t>{120, 400}));
  ASSERT_EQ(strata({"data", config, "--set", data(), "--batches", "4", "--out", folder_ / "b.safetensors"}), 0);
  const auto batches = formats::SafetensorsFile::open(folder_ / "b.safetensors").value();
  EXPECT_EQ(batches.array("x.3").shape(), (std::vector<int64_t>{32, 1, 28, 28})) << "of the second epoch";
  EXPECT_EQ(batches.array("y.2").shape(), (std::vector<int64_t>{16})) << "the last batch of an epoch is smaller";
  ASSERT_EQ(strata({"convert", folder_ / "w.safetensors", "--out", folder_ / "again.safetensors"}), 0);
  const auto again = formats::SafetensorsFile::open(folder_ / "again.safetensors").value();
  EXPECT_TRUE(again.array("fc1.weight").same_bits(weights.array("fc1.weight")));
  EXPECT_EQ(strata({"convert", folder_ / "none", "--out", folder_ / "again.safetensors"}), 2);
  testing::internal::CaptureStdout();
  ASSERT_EQ(strata({"inspect", config, "--set", data(), "--json"}), 0);
  const base::Json inspected = base::parse_json(testing::internal::GetCapturedStdout(), "stdout").value();
  EXPECT_EQ(inspected.at("parameters").as_int(), 61706);
  EXPECT_GT(inspected.at("matrix_flops_per_step").as_double(), 1e7);
  ASSERT_EQ(strata({"profile", config, "--set", data(), "--steps", "2", "--out", folder_ / "t.json"}), 0);
  EXPECT_GT(base::read_json(folder_ / "t.json").value().at("traceEvents").size(), 20u);
}

TEST_F(TrainingCommands, NumbersAreReadStrictly) {
  const std::string run = folder_ / "none";
  for (const auto& [option, value] : {std::pair("--seed", "-1"),
                                      {"--seed", "18446744073709551616"},
                                      {"--top-k", "99999999999999999999"},
                                      {"--temperature", "nan"},
                                      {"--temperature", "-1"},
                                      {"--tokens", "0"},
                                      {"--tokens", "5x"}}) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(strata({"generate", run, option, value}), 1) << option << " " << value;
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find(std::string(option) + ": expected "), std::string::npos) << text;
    EXPECT_LT(text.size(), 250u) << text;
  }
  EXPECT_EQ(strata({"generate", run, "--seed", "18446744073709551615", "--temperature", "0.5"}), 2) << "no such run";
}

TEST_F(TrainingCommands, ASignalIsAWishToStopAndTheNextOneIsNot) {
  struct sigaction now{};
  {
    const StopSignal signal;
    EXPECT_FALSE(signal.has_come());
    std::raise(SIGTERM);
    EXPECT_TRUE(signal.has_come());
    sigaction(SIGTERM, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  }
  EXPECT_FALSE(StopSignal().has_come());
}

TEST_F(TrainingCommands, AWholeHelpThatCanNotBeWrittenIsAnError) {
  const int real = dup(1), full = open("/dev/full", O_WRONLY);
  dup2(full, 1);
  const int code = strata({"--help"});
  dup2(real, 1);
  close(real), close(full);
  std::clearerr(stdout);
  EXPECT_EQ(code, 2);
}

TEST_F(TrainingCommands, ConfigCheckRefusesWhatTrainWould) {
  base::write_file(folder_ / "any.toml", std::string_view("[train]\nbatch = 32\n"));
  const auto check = [&](std::vector<std::string> overrides) {
    std::vector<std::string> arguments = {"config", "--check", folder_ / "any.toml"};
    for (const std::string& o : overrides) arguments.insert(arguments.end(), {"--set", o});
    testing::internal::CaptureStdout();
    const int code = strata(arguments);
    testing::internal::GetCapturedStdout();
    return code;
  };
  EXPECT_EQ(check({}), 0);
  EXPECT_EQ(check({"model.kind=gpt", "data.kind=king_james"}), 0);
  EXPECT_EQ(check({"model.kind=gpt"}), 1) << "a gpt doesn't learn from images";
  EXPECT_EQ(check({"model.heads=4"}), 1) << "a key of another architecture";
  EXPECT_EQ(check({"model.kind=gpt", "data.kind=king_james", "data.validation=20"}), 1) << "a key of other data";
  EXPECT_EQ(check({"model.kind=resnet", "model.depth=50"}), 0);
  EXPECT_EQ(check({"model.kind=resnet", "model.depth=49"}), 1);
  EXPECT_EQ(check({"model.kind=gpt", "data.kind=king_james", "model.width=100", "model.heads=7"}), 1);
  EXPECT_EQ(check({"model.kind=gpt", "data.kind=text"}), 1) << "no file";
  for (const char* name : {"", "..", "../../x", "/x", "a\nb", "a\x1b[1m"})
    EXPECT_EQ(check({"run.name=" + std::string(name)}), 1) << name;
  EXPECT_EQ(strata({"train", ""}), 2) << "not the defaults";
}

TEST_F(TrainingCommands, WhatCanNotBeCountedIsNotCutInSilence) {
  const std::string config = folder_ / "c.toml";
  EXPECT_EQ(strata({"train", config, "--set", data(), "--set", "train.accumulate=10000", "--out", folder_ / "a"}), 1);
  EXPECT_EQ(strata({"train", config, "--set", data(), "--set", "train.batch=81", "--out", folder_ / "a"}), 1);
}

TEST_F(TrainingCommands, TheDemoTellsOfMistakesBeforeItTrains) {
  const std::string lenet = "[run]\nname = 'lenet'\n[data]\npath = '" + folder_.path() + "'\n";
  base::write_file(folder_ / "demo.toml", std::string_view("parts = ['lenet', 'gpt']\n"));
  base::write_file(folder_ / "lenet.toml", std::string_view(lenet));
  base::write_file(folder_ / "gpt.toml", std::string_view("[model]\nkind = 'gpt'\n[data]\nkind = 'king_james'\n"));
  const auto demo = [&](const std::string& set) {
    return strata({"demo", "--configs", folder_.path(), "--out", folder_ / "demo", "--set", set});
  };
  EXPECT_EQ(demo("gpt.model.widht=8"), 1);
  EXPECT_EQ(demo("gpt.model.heads=7"), 1);
  EXPECT_EQ(demo("train.steps=5"), 1) << "of which model?";
  base::make_folders(folder_ / "demo/gpt");
  base::write_file(folder_ / "demo/gpt/checkpoint.safetensors", std::string_view("mine"));
  EXPECT_EQ(demo("lenet.train.steps=5"), 1) << "a run is in the way";
  EXPECT_FALSE(base::is_folder(folder_ / "demo/lenet"));
  EXPECT_EQ(base::read_text(folder_ / "demo/gpt/checkpoint.safetensors").value(), "mine");
}

TEST_F(TrainingCommands, ARunIsEvaluatedFromAnyFolder) {
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  EXPECT_EQ(strata({"train", "c.toml", "--set", "data.path=.", "--out", "run"}), 0);
  std::filesystem::current_path(here);
  testing::internal::CaptureStdout();
  EXPECT_EQ(strata({"eval", folder_ / "run"}), 0);
  testing::internal::GetCapturedStdout();
}

TEST_F(TrainingCommands, AMeasureThatIsNotFiniteIsAnErrorOfEval) {
  const std::string run = folder_ / "run", checkpoint = run + "/checkpoint.safetensors";
  ASSERT_EQ(strata({"train", folder_ / "c.toml", "--set", data(), "--out", run}), 0);
  train::Snapshot snapshot = train::load_checkpoint(checkpoint);
  snapshot.tensors.at("model.fc3.bias").set(0, std::numeric_limits<double>::quiet_NaN());
  train::save_checkpoint(checkpoint, snapshot);
  testing::internal::CaptureStderr();
  EXPECT_EQ(strata({"eval", run}), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("val_loss of the model is not finite"), std::string::npos);
}

TEST_F(TrainingCommands, ExitCodesTellWhoCanMendIt) {
  const std::string config = folder_ / "c.toml";
  EXPECT_EQ(strata({"train", config, "--set", "train.step=1"}), 1);
  EXPECT_EQ(strata({"train", config, "--set", "data.path=" + (folder_ / "empty")}), 2)
      << "the data set isn't installed";
  EXPECT_EQ(strata({"train", config, "--set", data(), "--out", config + "/below-a-file"}), 2);
  EXPECT_EQ(strata({"eval", folder_ / "nothing"}), 2);
  EXPECT_EQ(strata({"demo", "--configs", folder_ / "nothing", "--out", folder_ / "demo"}), 2);
  EXPECT_EQ(strata({"config", "--check", config}), 0);
}

}  // namespace
}  // namespace strata::cli
