// A tiny GPT on a made-up text, from tokens to generated text.
#include "strata/train/language/generate_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/text/tokenizer_json/save.h"
#include "strata/train/config/schema.h"
#include "strata/train/language/text_source.h"
#include "strata/train/open_task.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/trainer.h"

namespace strata::train {
namespace {

class LanguageTraining : public testing::Test {
 protected:
  LanguageTraining() {
    setenv("STRATA_CACHE", (folder_ / "cache").c_str(), 1);
    std::string text;
    for (int i = 0; i < 600; ++i)
      text += "Line " + std::to_string(i) + " tells of " + (i % 3 ? "wood and water" : "stone and fire") + ".\n";
    base::write_file(folder_ / "text.txt", std::string_view(text));
  }
  ~LanguageTraining() override { unsetenv("STRATA_CACHE"); }

  base::Config config(std::vector<std::string> more = {}) const {
    std::vector<std::string> overrides = {
        "model.kind=gpt",  "data.kind=text",       "data.path=" + (folder_ / "text.txt"),
        "model.layers=1",  "model.width=16",       "model.heads=2",
        "model.context=8", "model.vocabulary=270", "train.batch=4",
        "train.steps=6",   "optim.kind=adamw",     "optim.learning_rate=0.01"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return base::parse_config(training_schema(), "", "test", overrides);
  }
  base::TempFolder folder_;
};

TEST_F(LanguageTraining, TrainsEvaluatesAndGeneratesOutOfItsRunFolder) {
  const base::Config c = config();
  const TrainingResult result = train(c, RunFolder(folder_ / "run", Start::Fresh), Start::Fresh);
  double bits = 0, held_out = 0;
  for (const Measure& m : result.measures) {
    if (m.name == "bits_per_byte") bits = m.value;
    if (m.name == "held_out_loss") held_out = m.value;
  }
  EXPECT_NEAR(held_out, std::log(270), 1.5);
  EXPECT_GT(bits, 1);
  EXPECT_LT(bits, 9);
  const LanguageModel trained = load_language_model(folder_ / "run");
  const infer::GenerateOptions options{.sampling = {.seed = 4}, .tokens = 12};
  const std::string text = trained.continued("Line 1", options);
  EXPECT_TRUE(text.starts_with("Line 1"));
  EXPECT_EQ(text, trained.continued("Line 1", options)) << "the same seed, the same text";
  EXPECT_FALSE(trained.continued("", options).empty());
}

TEST_F(LanguageTraining, AResumedTrainingIsTheSameBitForBitWithDropoutAndAccumulation) {
  const base::Config c = config({"model.dropout=0.2", "train.accumulate=2"});
  const auto whole = make_task(c), first = make_task(c), second = make_task(c);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(whole->step(0.01 / (i + 1)).is_finite);
  for (int i = 0; i < 2; ++i) first->step(0.01 / (i + 1));
  Snapshot middle;
  first->save(middle);
  save_checkpoint(folder_ / "c", middle);
  second->restore(load_checkpoint(folder_ / "c"));
  for (int i = 2; i < 5; ++i) second->step(0.01 / (i + 1));
  Snapshot a, b;
  whole->save(a), second->save(b);
  EXPECT_EQ(a.facts, b.facts);
  for (const auto& [name, array] : a.tensors) EXPECT_TRUE(array.same_bits(b.tensors.at(name))) << name;
}

TEST_F(LanguageTraining, ACheckpointOfAnotherWidthIsRefusedByItsFirstTensor) {
  const base::Config narrow = config(), wide = config({"model.width=32"});
  Snapshot snapshot;
  make_task(narrow)->save(snapshot);
  try {
    make_task(wide)->restore(snapshot);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0705");
    EXPECT_NE(e.text().find("model.wte.weight: the model has f32[270,32], the checkpoint f32[270,16]"),
              std::string::npos)
        << e.text();
  }
}

TEST_F(LanguageTraining, DamagedTokensAreMadeAnew) {
  const base::Config c = config();
  const TextSource source = open_text_source(c);
  const std::string cache = folder_ / "cache/tokens";
  const std::string tokens = cache + "/" + base::list_folder(cache).value().at(0) + "/train.tokens";
  const std::string whole = base::read_text(tokens).value();
  base::write_file(tokens, std::string_view(whole).substr(0, whole.size() - 3));
  EXPECT_EQ(open_text_source(c).train->size(), source.train->size());
  EXPECT_EQ(base::read_text(tokens).value(), whole);
}

TEST_F(LanguageTraining, AFlippedBitOrAFolderInTheCacheIsMadeAnew) {
  const base::Config c = config();
  const std::string cache = folder_ / "cache/tokens";
  open_text_source(c);
  const std::string tokens = cache + "/" + base::list_folder(cache).value().at(0) + "/train.tokens";
  const std::string whole = base::read_text(tokens).value();
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  base::write_file(tokens, std::string_view(flipped));
  open_text_source(c);
  EXPECT_EQ(base::read_text(tokens).value(), whole);
  std::filesystem::remove(tokens);
  base::make_folders(tokens + "/x");
  open_text_source(c);
  EXPECT_EQ(base::read_text(tokens).value(), whole);
}

TEST_F(LanguageTraining, AnotherTextTokenizerOrNumberOfHeadsThanTheRunsIsRefused) {
  const auto code_of = [](const std::function<void()>& f) {
    try {
      f();
    } catch (const base::Error& e) {
      return std::string(e.code());
    }
    return std::string("no error");
  };
  const std::string run = folder_ / "run", text = folder_ / "text.txt";
  train(config(), RunFolder(run, Start::Fresh), Start::Fresh);
  const std::string heads[] = {"model.heads=4"};
  EXPECT_EQ(code_of([&] { open_task(run, heads); }), "E0705");
  const std::string tokenizer = base::read_text(run + "/tokenizer.json").value(), old = base::read_text(text).value();
  base::write_file(text, std::string_view(old + old));
  EXPECT_EQ(code_of([&] { open_task(run); }), "E0709");
  EXPECT_EQ(code_of([&] { train(config(), RunFolder(run, Start::Resume), Start::Resume); }), "E0709");
  EXPECT_EQ(base::read_text(run + "/tokenizer.json").value(), tokenizer);
  load_language_model(run);
  text::save_tokenizer(*open_text_source(config({"model.vocabulary=265"})).tokenizer, run + "/tokenizer.json");
  EXPECT_EQ(code_of([&] { load_language_model(run); }), "E0709");
}

TEST_F(LanguageTraining, AVocabularyThatTheTextDoesNotFillIsRefusedWithTheTokensItMakes) {
  try {
    make_task(config({"model.vocabulary=100000"}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0007");
    EXPECT_NE(e.text().find("model.vocabulary: the text makes only "), std::string::npos) << e.text();
  }
}

TEST_F(LanguageTraining, ATextThatIsTooShortIsRefusedByTheKeyThatMendsIt) {
  const auto text_of = [&](const std::string& override) {
    try {
      make_task(config({override}));
    } catch (const base::Error& e) {
      return e.text();
    }
    return std::string("accepted");
  };
  EXPECT_NE(text_of("model.context=2500").find("the validation part of the text has"), std::string::npos)
      << text_of("model.context=2500");
  EXPECT_NE(text_of("train.batch=99999").find("train.batch: the training text has"), std::string::npos);
}

TEST_F(LanguageTraining, AWidthThatIsNoMultipleOfTheHeadsIsRefused) {
  try {
    make_task(config({"model.width=17"}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0007");
  }
}

}  // namespace
}  // namespace strata::train
