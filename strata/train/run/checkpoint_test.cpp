#include "strata/train/run/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/models/lenet.h"
#include "strata/nn/init.h"
#include "strata/train/run/run_folder.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {
namespace {

std::string code_of(const std::function<void()>& f, std::string* text = nullptr) {
  try {
    f();
  } catch (const base::Error& e) {
    if (text) *text = e.text();
    return std::string(e.code());
  }
  return "no error";
}

/// Every element is the number of the checkpoint: a mixture of two would show.
Snapshot numbered(int number, int64_t elements) {
  Snapshot s;
  for (const char* name : {"model.a", "model.b"}) {
    ir::HostArray array(ir::DType::f32, {elements});
    for (float& x : array.as<float>()) x = static_cast<float>(number);
    s.tensors.emplace(name, array);
  }
  s.facts["step"] = std::to_string(number);
  return s;
}

TEST(Checkpoint, ReadsBackWhatWasSaved) {
  const base::TempFolder folder;
  const Snapshot saved = numbered(7, 33);
  save_checkpoint(folder / "c", saved);
  const Snapshot read = load_checkpoint(folder / "c");
  EXPECT_EQ(read.facts, saved.facts);
  ASSERT_EQ(read.tensors.size(), 2u);
  EXPECT_TRUE(read.tensors.at("model.b").same_bits(saved.tensors.at("model.b")));
}

TEST(Checkpoint, AKillAtAnyMomentLeavesAWholeOne) {
  const base::TempFolder folder;
  const std::string path = folder / "c";
  save_checkpoint(path, numbered(0, 300'000));
  for (int delay_ms : {3, 17, 40, 61}) {
    const pid_t child = fork();
    if (child == 0)
      for (int i = 1;; ++i) save_checkpoint(path, numbered(i, 300'000));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const Snapshot last = load_checkpoint(path);
    const auto number = static_cast<float>(integer_fact(last, "step"));
    for (const auto& [name, array] : last.tensors)
      for (float x : array.as<float>()) ASSERT_EQ(x, number) << name;
  }
}

TEST(Checkpoint, AFullDiskLeavesTheOldOne) {
  const base::TempFolder folder;
  save_checkpoint(folder / "c", numbered(1, 100));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20'000, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &little);
  const std::string code = code_of([&] { save_checkpoint(folder / "c", numbered(2, 100'000)); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, "E0002");
  EXPECT_EQ(load_checkpoint(folder / "c").facts.at("step"), "1");
  EXPECT_EQ(base::list_folder(folder.path()).value().size(), 1u) << "the half file is gone";
}

TEST(Checkpoint, TruncatedAndForeignFilesAreRefused) {
  const base::TempFolder folder;
  save_checkpoint(folder / "c", numbered(1, 100));
  const std::string whole = base::read_text(folder / "c").value();
  for (size_t bytes : {size_t{0}, size_t{5}, size_t{40}, whole.size() - 1}) {
    base::write_file(folder / "cut", std::string_view(whole).substr(0, bytes));
    EXPECT_NE(code_of([&] { load_checkpoint(folder / "cut"); }), "no error") << bytes;
  }
  base::write_file(folder / "foreign", std::string_view("\2\0\0\0\0\0\0\0{}", 10));
  EXPECT_EQ(code_of([&] { load_checkpoint(folder / "foreign"); }), "E0703");
}

TEST(Checkpoint, AnyChangedByteIsNoticed) {
  const base::TempFolder folder;
  save_checkpoint(folder / "c", numbered(1, 20));
  const std::string whole = base::read_text(folder / "c").value();
  for (size_t place = 0; place < whole.size(); ++place) {
    std::string flipped = whole;
    flipped[place] ^= 4;
    base::write_file(folder / "flipped", std::string_view(flipped));
    EXPECT_NE(code_of([&] { load_checkpoint(folder / "flipped"); }), "no error") << place;
  }
  std::string edited = whole;
  edited.replace(edited.find("\"step\":\"1\""), 10, "\"step\":\"9\"");
  base::write_file(folder / "edited", std::string_view(edited));
  EXPECT_EQ(code_of([&] { load_checkpoint(folder / "edited"); }), "E0703");
}

TEST(Checkpoint, CountsOutsideTheirRangeAreRefused) {
  for (const char* wrong : {"-1", "1000000000000000001", "1e3", ""}) {
    Snapshot snapshot;
    snapshot.facts["step"] = wrong;
    EXPECT_EQ(code_of([&] { integer_fact(snapshot, "step"); }), "E0703") << wrong;
  }
}

TEST(TreeState, NamesTheFirstTensorThatDiffers) {
  auto model = nn::init<models::LeNet>(Key(0));
  Snapshot snapshot;
  save_leaves(snapshot, "model", leaves_of(model));
  snapshot.tensors["model.fc1.weight"] = ir::HostArray(ir::DType::f32, {120, 256});
  snapshot.tensors["model.fc3.weight"] = ir::HostArray(ir::DType::f32, {7, 84});
  const float before = model.fc1.bias.data<float>()[0];
  std::string text;
  EXPECT_EQ(code_of([&] { restore_leaves(snapshot, "model", leaves_of(model)); }, &text), "E0705");
  EXPECT_NE(text.find("model.fc1.weight: the model has f32[120,400], the checkpoint f32[120,256]"), std::string::npos)
      << text;
  EXPECT_EQ(model.fc1.bias.data<float>()[0], before);
}

TEST(TreeState, NamesMissingAndSurplusTensors) {
  auto model = nn::init<models::LeNet>(Key(0));
  Snapshot snapshot;
  save_leaves(snapshot, "model", leaves_of(model));
  snapshot.tensors["model.fc4.bias"] = ir::HostArray(ir::DType::f32, {3});
  std::string text;
  EXPECT_EQ(code_of([&] { restore_leaves(snapshot, "model", leaves_of(model)); }, &text), "E0705");
  EXPECT_NE(text.find("model.fc4.bias: the model has nothing, the checkpoint f32[3]"), std::string::npos) << text;
  snapshot.tensors.erase("model.fc4.bias");
  snapshot.tensors.erase("model.conv2.bias");
  EXPECT_EQ(code_of([&] { restore_leaves(snapshot, "model", leaves_of(model)); }, &text), "E0705");
  EXPECT_NE(text.find("model.conv2.bias"), std::string::npos) << text;
}

TEST(RunFolder, RefusesWhatItCanNotWriteToAndRunsThatAreThere) {
  const base::TempFolder folder;
  base::write_file(folder / "file", std::string_view("x"));
  EXPECT_EQ(code_of([&] { RunFolder(folder / "file/run", Start::Fresh); }), "E0002");
  EXPECT_EQ(code_of([&] { RunFolder(folder / "new", Start::Resume); }), "E0702");
  base::write_file(folder / "new/metrics.jsonl", std::string_view("{}\n"));
  EXPECT_EQ(code_of([&] { RunFolder(folder / "new", Start::Fresh); }), "E0701");
  const RunFolder replaced(folder / "new", Start::Replace);
  EXPECT_TRUE(replaced.has("metrics.jsonl")) << "until the new run has a first step";
  replaced.remove_run();
  EXPECT_FALSE(replaced.has("metrics.jsonl"));
}

TEST(RunFolder, AnEmptyFileOfMetricsIsNoRun) {
  const base::TempFolder folder;
  base::write_file(folder / "metrics.jsonl", std::string_view());
  EXPECT_EQ(code_of([&] { RunFolder(folder.path(), Start::Fresh); }), "no error");
}

TEST(RunFolder, OnlyOneTrainingAtATimeWorksInIt) {
  const base::TempFolder folder;
  {
    const RunFolder first(folder / "run", Start::Fresh);
    save_checkpoint(first.file("checkpoint.safetensors"), numbered(1, 10));
    EXPECT_EQ(code_of([&] { RunFolder(folder / "run", Start::Resume); }), "E0708");
    EXPECT_EQ(code_of([&] { RunFolder(folder / "run", Start::Replace); }), "E0708");
  }
  EXPECT_EQ(code_of([&] { RunFolder(folder / "run", Start::Resume); }), "no error");
}

TEST(RunFolder, RemovesWhatAKilledProcessHadHalfWritten) {
  const base::TempFolder folder;
  base::write_file(folder / "checkpoint.safetensors.tmp-123-0", std::string_view("x"));
  base::write_file(folder / "mine.tmp-1", std::string_view("x"));
  const RunFolder run(folder.path(), Start::Fresh);
  EXPECT_FALSE(run.has("checkpoint.safetensors.tmp-123-0"));
  EXPECT_TRUE(run.has("mine.tmp-1"));
}

}  // namespace
}  // namespace strata::train
