// Every architecture of the table, on data that suit it: it trains, goes on from its checkpoint bit for bit, and
// refuses what belongs to others. Nothing here knows one by name, but for the sizes that keep the tests quick.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/models/lenet.h"
#include "strata/models/list.h"
#include "strata/nn/loss.h"
#include "strata/train/config/config_rules.h"
#include "strata/train/config/schema.h"
#include "strata/train/learner.h"
#include "strata/train/open_task.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/supervised/data_kinds.h"
#include "strata/train/supervised/supervised_task.h"
#include "strata/train/testing/made_up_images.h"
#include "strata/train/trainer.h"

namespace strata::train {
namespace {

using Overrides = std::vector<std::string>;

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const base::Error& e) {
    return std::string(e.code()) + " " + e.message();
  }
  return "no error";
}

class Architectures : public testing::Test {
 protected:
  Architectures() {
    setenv("STRATA_CACHE", (folder_ / "cache").c_str(), 1);
    write_made_up_data_set(folder_.path());
    std::string text;
    for (int i = 0; i < 600; ++i)
      text += "Line " + std::to_string(i) + (i % 3 ? " of wood.\n" : " of stone and fire.\n");
    base::write_file(folder_ / "text.txt", std::string_view(text));
  }
  ~Architectures() override { unsetenv("STRATA_CACHE"); }

  base::Config parse(const Overrides& overrides) const {
    return base::parse_config(training_schema(), "", "test", overrides);
  }
  /// Small settings of an architecture on data that suit it.
  Overrides settings(const models::Architecture& a) const {
    Overrides list = {"model.kind=" + std::string(a.name), "train.batch=4", "optim.learning_rate=0.001"};
    const Overrides data = a.eats == models::Input::Images
                               ? Overrides{"data.kind=images", "data.path=" + folder_.path(), "data.validation=20"}
                               : Overrides{"data.kind=text", "data.path=" + (folder_ / "text.txt"),
                                           "model.vocabulary=270", "model.context=8"};
    list.insert(list.end(), data.begin(), data.end());
    if (a.name == "resnet") list.push_back("model.width=4");
    if (a.name == "mobilenet") list.push_back("model.width=0.1");
    if (a.name == "gpt") list.insert(list.end(), {"model.layers=1", "model.width=16", "model.heads=2"});
    return list;
  }
  base::TempFolder folder_;
};

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

TEST_F(Architectures, TrainEvaluateAndGoOnBitForBit) {
  for (const models::Architecture* a : models::architectures()) {
    SCOPED_TRACE(a->name);
    const base::Config config = parse(settings(*a));
    const auto whole = make_task(config), parts = make_task(config), rest = make_task(config);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(whole->step(0.001).is_finite);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(parts->step(0.001).is_finite);
    save_checkpoint(folder_ / "c", state_of(*parts));
    rest->restore(load_checkpoint(folder_ / "c"));
    rest->step(0.001);
    expect_same(state_of(*whole), state_of(*rest));
    const std::vector<Measure> one = whole->evaluate(), other = rest->evaluate();
    ASSERT_FALSE(one.empty());
    for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].value, other[i].value) << one[i].name;
    EXPECT_TRUE(one[0].is_loss);
    EXPECT_GT(whole->flops_per_step(), 0);
    EXPECT_NE(whole->title().find(" on "), std::string::npos);
  }
}

TEST_F(Architectures, KeysStandWhereTheirArchitectureIsChosenAndNowhereElse) {
  for (const models::Architecture* a : models::architectures()) {
    const base::Config config = parse(settings(*a));
    for (const base::ConfigKey& key : models::keys_of(*a)) {
      EXPECT_TRUE(key.key.starts_with("model.")) << key.key;
      EXPECT_TRUE(config.has(key.key)) << key.key;
    }
    for (std::string_view key : models::settings_of(*a)) EXPECT_TRUE(config.has(key)) << key;
    for (const models::Architecture* other : models::architectures())
      for (const base::ConfigKey& key : models::keys_of(*other))
        if (!config.has(key.key)) {
          Overrides overrides = settings(*a);
          overrides.push_back(key.key + "=1");
          EXPECT_EQ(message_of([&] { parse(overrides); }).substr(0, 5), "E0006") << a->name << " " << key.key;
        }
  }
  EXPECT_EQ(message_of([&] { parse({"model.heads=4"}); }),
            "E0006 --set model.heads=4: model.heads is a key of model.kind = \"gpt\", and model.kind is \"lenet\"");
  EXPECT_NE(message_of([&] { parse({"model.kind=resnet", "model.dpeth=34"}); }).find("unknown key model.dpeth"),
            std::string::npos);
  EXPECT_EQ(
      message_of([&] { parse({"data.kind=text", "data.limit=4"}); }),
      "E0006 --set data.limit=4: data.limit is a key of data.kind = \"fashion_mnist\", \"images\", and data.kind is "
      "\"text\"");
}

TEST_F(Architectures, LearnOnlyFromDataThatSuitThem) {
  for (const models::Architecture* a : models::architectures())
    for (const DataKind* kind : data_kinds()) {
      const base::Config config = parse({"model.kind=" + std::string(a->name), "data.kind=" + std::string(kind->name)});
      const std::string message = message_of([&] { check_rules(config); });
      EXPECT_EQ(message.find(" learns ") != std::string::npos, a->eats != kind->gives || a->returns != kind->asks)
          << message;
    }
  EXPECT_EQ(message_of([&] { check_rules(parse({"model.kind=gpt"})); }),
            "E0007 default: data.kind: a gpt learns the next tokens from tokens, fashion_mnist gives images");
}

TEST_F(Architectures, RulesOfTheirKeysAreToldByTheKey) {
  EXPECT_EQ(message_of([&] { check_rules(parse({"model.kind=resnet", "model.depth=20"})); }),
            "E0007 --set model.depth=20: model.depth: expected 18, 34, 50, 101 or 152, found 20");
  EXPECT_EQ(message_of([&] { check_rules(parse({"model.kind=gpt", "data.kind=corpus", "model.heads=5"})); }),
            "E0007 default: model.width: 192 is no multiple of model.heads = 5");
  EXPECT_EQ(message_of([&] { check_rules(parse({"model.kind=resnet", "optim.precision=bf16"})); }),
            "E0007 --set optim.precision=bf16: optim.precision: a resnet trains in f32 only");
}

TEST_F(Architectures, ImagesOfSidesThatDoNotSuitAreRefusedByWhatWasFound) {
  const base::TempFolder small, large;
  write_made_up_data_set(small.path(), 24), write_made_up_data_set(large.path(), 70);
  const auto message = [&](const std::string& kind, const base::TempFolder& folder) {
    const base::Config config =
        parse({"model.kind=" + kind, "data.kind=images", "data.path=" + folder.path(), "data.validation=20"});
    return message_of([&] { make_task(config); });
  };
  EXPECT_EQ(
      message("resnet", small),
      "E0007 --set model.kind=resnet: model.kind: a resnet takes images of 28 to 224 pixels a side, found 24 x 24");
  EXPECT_EQ(message("lenet", large),
            "E0007 --set model.kind=lenet: model.kind: a lenet takes images of 28 x 28 pixels, found 70 x 70");
  const base::Config config = parse({"model.kind=mobilenet", "model.width=0.1", "data.kind=images", "train.batch=2",
                                     "data.path=" + large.path(), "data.validation=98"});
  const auto task = make_task(config);
  EXPECT_TRUE(task->step(0.001).is_finite);
  Snapshot other = state_of(*task);
  other.facts["images"] = "1 x 28 x 28 in 10 classes";
  EXPECT_NE(message_of([&] { task->restore(other); }).find("these are 1 x 70 x 70 in 10 classes"), std::string::npos);
  EXPECT_EQ(message_of([&] { check_rules(parse({"data.kind=images"})); }),
            "E0007 --set data.kind=images: data.kind: images need their folder in data.path");
}

TEST_F(Architectures, AModelThatWasChosenAtRunTimeLearnsTheBitsOfItsStruct) {
  struct Loss {
    Tensor operator()(const models::LeNet& m, const Tensor& x, const Tensor& y, nn::Context&) const {
      return nn::cross_entropy(m(x), y);
    }
  };
  struct ModelLoss {
    Tensor operator()(const models::Model& m, const Tensor& x, const Tensor& y, nn::Context& context) const {
      return nn::cross_entropy(m(x, context), y);
    }
  };
  const base::Config config = parse({});
  Learner<models::LeNet, Loss> plain(config, nn::init<models::LeNet>(Key(1)));
  Learner<models::Model, ModelLoss> chosen(config, models::Model(nn::init<models::LeNet>(Key(1))));
  ir::HostArray x(ir::DType::f32, {6, 1, 28, 28}), y(ir::DType::i32, {6});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>(i * 37 % 101) / 101 - 0.5);
  for (int64_t i = 0; i < 6; ++i) y.set_int(i, i);
  const Sample sample{Tensor(x), Tensor(y)};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(plain.step({&sample, 1}, 0.05).loss, chosen.step({&sample, 1}, 0.05).loss);
  Snapshot a, b;
  plain.save(a), chosen.save(b);
  expect_same(a, b);
  EXPECT_NE(chosen.model().as<models::LeNet>(), nullptr);
}

}  // namespace
}  // namespace strata::train
