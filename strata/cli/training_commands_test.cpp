// The commands around training, as a user types them: files that they leave, and exit codes.
#include <gtest/gtest.h>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/train/made_up_images.h"

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
  ASSERT_EQ(strata({"init", config, "--set", data(), "--out", folder_ / "w"}), 0);
  const auto weights = formats::SafetensorsFile::open(folder_ / "w").value();
  EXPECT_EQ(weights.array("fc1.weight").shape(), (std::vector<int64_t>{120, 400}));
  ASSERT_EQ(strata({"data", config, "--set", data(), "--batches", "4", "--out", folder_ / "b"}), 0);
  const auto batches = formats::SafetensorsFile::open(folder_ / "b").value();
  EXPECT_EQ(batches.array("x.3").shape(), (std::vector<int64_t>{32, 1, 28, 28})) << "of the second epoch";
  EXPECT_EQ(batches.array("y.2").shape(), (std::vector<int64_t>{16})) << "the last batch of an epoch is smaller";
  testing::internal::CaptureStdout();
  ASSERT_EQ(strata({"inspect", config, "--set", data(), "--json"}), 0);
  const base::Json inspected = base::parse_json(testing::internal::GetCapturedStdout(), "stdout").value();
  EXPECT_EQ(inspected.at("parameters").as_int(), 61706);
  EXPECT_GT(inspected.at("matrix_flops_per_step").as_double(), 1e7);
  ASSERT_EQ(strata({"profile", config, "--set", data(), "--steps", "2", "--out", folder_ / "t.json"}), 0);
  EXPECT_GT(base::read_json(folder_ / "t.json").value().at("traceEvents").size(), 20u);
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
