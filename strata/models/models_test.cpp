#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/testing/option_walk.h"
#include "strata/models/gpt.h"
#include "strata/models/lenet.h"
#include "strata/models/list.h"
#include "strata/models/lstm.h"
#include "strata/nn/testing/golden.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::models {
namespace {

constexpr GptConfig kSmall{.layers = 2, .width = 16, .heads = 2, .vocabulary = 11, .context = 8};

Gpt small_gpt(GptConfig config = kSmall) {
  Gpt model(config);
  nn::init(model, Key(0));
  return model;
}

Tensor ids(std::vector<int64_t> values) {
  const auto count = std::ssize(values);
  return Tensor::from(std::span<const int64_t>(values), {1, count});
}

TEST(LeNet, HasItsFamiliarSizes) {
  auto model = nn::init<LeNet>(Key(0));
  EXPECT_EQ(parameter_count(model), 61706);
  EXPECT_EQ(model(Tensor::zeros({3, 1, 28, 28})).type().str(), "f32[3,10]");
}

TEST(LeNet, RefusesImagesOfOtherSides) {
  auto model = nn::init<LeNet>(Key(0));
  try {
    model(Tensor::zeros({3, 1, 32, 32}));
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.message(), "lenet: images of 32 x 32, expected 28 x 28 pixels");
  }
}

TEST(Model, IsTheTreeOfWhatIsInIt) {
  auto plain = nn::init<LeNet>(Key(0));
  Model model(plain);
  const Leaves expected = leaves_of(plain), found = leaves_of(model);
  ASSERT_EQ(found.list.size(), expected.list.size());
  for (size_t i = 0; i < expected.list.size(); ++i) {
    EXPECT_EQ(found.list[i].paths[0], expected.list[i].paths[0]);
    EXPECT_EQ(found.list[i].kind, expected.list[i].kind);
    EXPECT_TRUE(found.list[i].tensor().array().same_bits(expected.list[i].tensor().array()));
  }
  Model copy = model;
  leaves_of(copy).list[0].assign(Tensor::zeros({6, 1, 5, 5}));
  EXPECT_FALSE(leaves_of(copy).list[0].tensor().array().same_bits(leaves_of(model).list[0].tensor().array()));
  EXPECT_NE(model.as<LeNet>(), nullptr);
  EXPECT_EQ(model.as<Gpt>(), nullptr);
}

TEST(Model, KeepsTiesAndTellsConfigurationsApart) {
  GptConfig config = kSmall;
  config.is_tied = false;
  Model untied(small_gpt(config)), tied(small_gpt());
  EXPECT_NE(leaves_of(untied).structure, leaves_of(tied).structure);
  Gpt gpt = small_gpt(config);
  gpt.lm_head.weight = gpt.wte.weight;
  Model by_hand(gpt);
  EXPECT_EQ(leaves_of(by_hand).list[0].paths.size(), 2u);
  EXPECT_EQ(parameter_count(by_hand), parameter_count(gpt));
}

TEST(Architectures, HaveNamesOfTheirOwnAndSayWhatTheyAre) {
  for (const Architecture* a : architectures()) {
    EXPECT_EQ(&architecture(a->name), a);
    EXPECT_FALSE(a->help.empty());
    EXPECT_TRUE(a->keys && a->title && a->make);
  }
  EXPECT_THROW(architecture("none"), base::Error);
}

TEST(Gpt, CountsItsParametersWithATiedAndAFreeHead) {
  auto tied = small_gpt();
  const int64_t block = 4 * 16 + (16 * 48 + 48) + (16 * 16 + 16) + (16 * 64 + 64) + (64 * 16 + 16);
  EXPECT_EQ(parameter_count(tied), 11 * 16 + 8 * 16 + 2 * block + 32);
  GptConfig config = kSmall;
  config.is_tied = false;
  auto free = small_gpt(config);
  EXPECT_EQ(parameter_count(free), parameter_count(tied) + 11 * 16);
}

TEST(Gpt, ItsLogitsAndGradientsArePyTorchs) {
  const nn::Golden golden("gpt.safetensors");
  auto model = small_gpt({.layers = 2, .width = 8, .heads = 2, .vocabulary = 7, .context = 6});
  for (const Leaf& leaf : leaves_of(model).list)
    if (leaf.tensor().defined()) leaf.assign(golden("gpt.param." + leaf.paths[0]));
  const Tensor x = golden("gpt.x"), cotangent = golden("gpt.cotangent");
  nn::Context context;
  auto [results, grads] = value_and_grad(
      [&](const Gpt& m) {
        const Tensor y = m(x, context);
        return std::pair(sum(y * cotangent), y);
      },
      model);
  EXPECT_EQ(nn::difference(results.second, golden("gpt.y"), 5e-6), "");
  for (const Leaf& leaf : leaves_of(grads).list)
    if (leaf.tensor().defined()) {
      EXPECT_EQ(nn::difference(leaf.tensor(), golden("gpt.grad." + leaf.paths[0]), 1e-5), "") << leaf.paths[0];
    }
}

TEST(Gpt, StartsNearTheUniformDistribution) {
  const Gpt model = small_gpt();
  nn::Context context;
  const Tensor logits = model(ids({1, 2, 3}), context);
  EXPECT_EQ(logits.type().str(), "f32[1,3,11]");
  EXPECT_LT(max(abs(logits)).item(), 0.5);
}

TEST(Gpt, DoesNotSeeTheFuture) {
  const Gpt model = small_gpt();
  nn::Context context;
  const Tensor a = model(ids({1, 2, 3, 4}), context), b = model(ids({1, 2, 3, 9}), context);
  for (int i = 0; i < 33; ++i) EXPECT_EQ(a.data<float>()[i], b.data<float>()[i]) << i;
  EXPECT_NE(a.data<float>()[34], b.data<float>()[34]);
}

TEST(Gpt, RefusesMorePositionsThanItsContext) {
  const Gpt model = small_gpt();
  nn::Context context;
  try {
    model(ids({1, 2, 3, 4, 5, 6, 7, 8, 9}), context);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_NE(e.text().find("9 positions, the context has 8"), std::string::npos) << e.text();
  }
}

TEST(Gpt, DropoutActsInTrainingOnly) {
  GptConfig config = kSmall;
  config.dropout = 0.2;
  const Gpt model = small_gpt(config);
  const Tensor x = ids({1, 2, 3});
  nn::Context evaluation, again, training(nn::Mode::Train, Key(1));
  EXPECT_TRUE(model(x, evaluation).array().same_bits(model(x, again).array()));
  EXPECT_FALSE(model(x, training).array().same_bits(model(x, again).array()));
}

TEST(Lstm, PredictsAtEveryStep) {
  LstmRegressor model{.in = 2, .hidden = 5, .out = 3};
  nn::init(model, Key(0));
  EXPECT_EQ(model(Tensor::zeros({4, 6, 2})).type().str(), "f32[4,6,3]");
  LstmLanguageModel language{.vocabulary = 7, .width = 4, .hidden = 5, .layers = 2};
  nn::init(language, Key(0));
  EXPECT_EQ(language(ids({1, 6, 0})).type().str(), "f32[1,3,7]");
}

TEST(Options, OfModelsAreRefusedByName) {
  auto with = [](int64_t GptConfig::* member) {
    return [member](int64_t v) {
      GptConfig config = kSmall;
      config.*member = v;
      Gpt gpt(config);
    };
  };
  base::walk_integers({{"layers", with(&GptConfig::layers)},
                       {"width", with(&GptConfig::width)},
                       {"heads", with(&GptConfig::heads)},
                       {"vocabulary", with(&GptConfig::vocabulary)},
                       {"context", with(&GptConfig::context)},
                       {"layers", [](int64_t v) { LstmRegressor{1, 2, 1, v}; }},
                       {"in", [](int64_t v) {
                          LstmRegressor model{v};
                          nn::init(model, Key(0));
                        }}});
  base::walk_numbers({{"dropout",
                       [](double v) {
                         GptConfig config = kSmall;
                         config.dropout = v;
                         Gpt gpt(config);
                       },
                       {0}}});
}

TEST(Gpt, ATiedHeadAndMissingBiasesAreNoLeaves) {
  GptConfig config = kSmall;
  config.has_bias = false;
  Gpt tied = small_gpt(config);
  for (const Leaf& leaf : leaves_of(tied).list) {
    EXPECT_TRUE(leaf.tensor().defined()) << leaf.paths[0];
    EXPECT_FALSE(leaf.paths[0].starts_with("lm_head")) << leaf.paths[0];
  }
  config.is_tied = false;
  Gpt untied = small_gpt(config);
  EXPECT_EQ(leaves_of(untied).list.back().paths[0], "lm_head.weight");
}

}  // namespace
}  // namespace strata::models
