// Every option of every rule and schedule at values that nobody means, and groups that fit badly.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/base/testing/option_walk.h"
#include "strata/optim/rules.h"
#include "strata/optim/schedule.h"

namespace strata::optim {
namespace {

using base::message_of;
using base::OptionField;

struct Two {
  Tensor weight = Tensor::zeros({3}), bias = Tensor::zeros({1});
  STRATA_FIELDS(weight, bias)
};

/// The fields that all rules have, of one of them.
template <class Rule>
std::vector<OptionField<double>> common_fields() {
  auto with = [](auto member) {
    return [member](double v) {
      Rule rule;
      rule.*member = v;
      rule.start(Two());
    };
  };
  return {
      {"lr", with(&Rule::lr), {0}},
      {"weight_decay", with(&Rule::weight_decay), {0}},
      {"clip_norm", with(&Rule::clip_norm), {0, 1e300}},
      {"lr_scale", [](double v) { Rule{.groups = {{.pattern = "bias", .lr_scale = v}}}.start(Two()); }, {0}},
      {"weight_decay", [](double v) { Rule{.groups = {{.pattern = "bias", .weight_decay = v}}}.start(Two()); }, {0}}};
}

TEST(Options, OfEveryRuleAreRefusedByName) {
  base::walk_numbers(common_fields<Sgd>());
  base::walk_numbers(common_fields<Adam>());
  base::walk_numbers(common_fields<AdamW>());
  base::walk_numbers(common_fields<Adagrad>());
  base::walk_numbers(common_fields<RmsProp>());
  const Two model;
  base::walk_numbers({
      {"momentum", [&](double v) { Sgd{.momentum = v}.start(model); }, {0}},
      {"dampening", [&](double v) { Sgd{.momentum = 0.5, .dampening = v}.start(model); }, {0}},
      {"beta1", [&](double v) { Adam{.beta1 = v}.start(model); }, {0}},
      {"beta2", [&](double v) { Adam{.beta2 = v}.start(model); }, {0}},
      {"epsilon", [&](double v) { Adam{.epsilon = v}.start(model); }},
      {"beta1", [&](double v) { AdamW{.beta1 = v}.start(model); }, {0}},
      {"beta2", [&](double v) { AdamW{.beta2 = v}.start(model); }, {0}},
      {"epsilon", [&](double v) { AdamW{.epsilon = v}.start(model); }},
      {"lr_decay", [&](double v) { Adagrad{.lr_decay = v}.start(model); }, {0}},
      {"epsilon", [&](double v) { Adagrad{.epsilon = v}.start(model); }},
      {"alpha", [&](double v) { RmsProp{.alpha = v}.start(model); }, {0}},
      {"epsilon", [&](double v) { RmsProp{.epsilon = v}.start(model); }},
      {"momentum", [&](double v) { RmsProp{.momentum = v}.start(model); }, {0}},
  });
}

TEST(Options, OfSchedulesAndClippingAreRefusedByName) {
  auto sgd = Sgd{}.start(Two());
  base::walk_numbers({
      {"lr", [&](double v) { sgd.set_lr(v); }, {0}},
      {"lr", [](double v) { constant(v); }, {0}},
      {"first", [](double v) { linear(v, 1, 10); }, {0}},
      {"last", [](double v) { linear(1, v, 10); }, {0}},
      {"first", [](double v) { cosine(v, 1, 10); }, {0}},
      {"last", [](double v) { cosine(1, v, 10); }, {0}},
      {"lr", [](double v) { warmup(10, v); }, {0}},
      {"lr", [](double v) { steps(v, 0.1, {5}); }, {0}},
      {"factor", [](double v) { steps(1, v, {5}); }, {0}},
      {"first", [](double v) { Schedule({{Schedule::Shape::Linear, v, 1, 10}}); }, {0}},
      {"last", [](double v) { Schedule({{Schedule::Shape::Linear, 1, v, 10}}); }, {0}},
      {"factor", [](double v) { constant(1).scaled(v); }, {0}},
      {"most", [](double v) { clip_by_global_norm(Two(), v); }, {1e300}},
  });
  for (int64_t bad : {INT64_MIN, int64_t{-1}}) {
    EXPECT_THROW(constant(1, bad), base::Error);
    EXPECT_THROW(linear(1, 1, bad), base::Error);
    EXPECT_THROW(cosine(1, 1, bad), base::Error);
    EXPECT_THROW(warmup(bad, 1), base::Error);
    EXPECT_THROW(steps(1, 0.1, {bad}), base::Error);
  }
  EXPECT_EQ(linear(1, 0, 10)(-5), 1) << "a step below 0 has the first rate";
  EXPECT_EQ(warmup(1, 1e6)(0), 1e6);
  EXPECT_EQ(warmup(4, 1e6)(100), 1e6) << "what goes on behind the ramp is the rate that was asked for";
  EXPECT_EQ(warmup(4, 1)(0), 0.25);
  base::walk_integers(
      {{"shape", [](int64_t v) { Schedule({{static_cast<Schedule::Shape>(v), 1, 1, 10}}); }, {0, 1, 2}}},
      {0, 1, 2, 3, 7, 255});
}

TEST(Options, TheMessageHasTheCallersLine) {
  EXPECT_EQ(message_of([] { constant(2).scaled(1e6); }),
            "error[E0760]: scaled: first is 2000000, expected a number from 0 to 1000000\nnote: recorded at "
            "options_test.cpp");
  EXPECT_EQ(message_of([] { constant(2).scaled(-1); }),
            "error[E0760]: scaled: factor is -1, expected a number from 0 to 1000000\nnote: recorded at "
            "options_test.cpp");
  EXPECT_EQ(message_of([] { Schedule({{Schedule::Shape::Constant, 1, 1e7, 5}}); }),
            "error[E0760]: schedule: last is 10000000, expected a number from 0 to 1000000\nnote: recorded at "
            "options_test.cpp");
  EXPECT_EQ(message_of([] { Sgd{.lr = -0.1}.start(Two()); }),
            "error[E0760]: sgd: lr is -0.1, expected a number from 0 to 1000000\nnote: recorded at options_test.cpp");
  EXPECT_EQ(message_of([] { AdamW{.beta1 = 1}.start(Two()); }),
            "error[E0760]: adamw: beta1 is 1, expected a number from 0 to 0.999999\nnote: recorded at "
            "options_test.cpp");
  EXPECT_EQ(message_of([] { Sgd{.clip_norm = -1}.start(Two()); }),
            "error[E0760]: sgd: clip_norm is -1, expected a number of at least 0\nnote: recorded at options_test.cpp");
  EXPECT_EQ(message_of([] { Sgd{.groups = {{.pattern = "bias", .lr_scale = -2}}}.start(Two()); }),
            "error[E0760]: sgd, group \"bias\": lr_scale is -2, expected a number from 0 to 1000000\nnote: recorded at "
            "options_test.cpp");
}

TEST(Options, WhatALossAloneCommitsIsNotClippedAndHasALoss) {
  EXPECT_EQ(message_of([] { AdamW{.clip_norm = 1, .commit = Commit::WhenLossIsFinite}.start(Two()); }),
            "error[E0760]: adamw: clip_norm is 1, expected 0 with Commit::WhenLossIsFinite, since clipping waits for "
            "all gradients\nnote: recorded at options_test.cpp");
  Two model;
  auto sgd = Sgd{.commit = Commit::WhenLossIsFinite}.start(model);
  EXPECT_EQ(message_of([&] { sgd.update(model, Two()); }),
            "error[E0760]: sgd: loss is not given, expected the loss of the step, which Commit::WhenLossIsFinite looks "
            "at\nnote: recorded at options_test.cpp");
  EXPECT_TRUE(sgd.update(model, Two(), Tensor::scalar(1)).item());
}

TEST(ErrorMessages, E0761NamesThePatternThatMatchesNothing) {
  EXPECT_EQ(message_of([] { Sgd{.groups = {{.pattern = "*.biass", .weight_decay = 0}}}.start(Two()); }),
            "error[E0761]: the pattern \"*.biass\" of a group matches none of the 2 parameters\nnote: parameters: "
            "weight, bias\nnote: recorded at options_test.cpp\nhint: did you mean bias?");
  EXPECT_EQ(message_of([] { Sgd{.groups = {{.pattern = "weight  bais"}}}.start(Two()); }),
            "error[E0761]: the pattern \"bais\" of a group matches none of the 2 parameters\nnote: parameters: weight, "
            "bias\nnote: recorded at options_test.cpp\nhint: did you mean bias?");
  for (const char* idle : {"", " ", "bias *norm*", "*norm* bias", "bias weight b", "Bias"})
    EXPECT_THROW((Sgd{.groups = {{.pattern = idle}}}.start(Two())), base::Error) << idle;
  for (const char* used : {"bias", " bias ", "bias  weight", "* bias", "b* *s"})
    EXPECT_NO_THROW((Sgd{.groups = {{.pattern = used}}}.start(Two()))) << used;
}

TEST(ErrorMessages, E0762NamesTheParameterAndBothGroups) {
  const std::vector<Group> groups = {{.pattern = "b*"}, {.pattern = "*s"}};
  EXPECT_EQ(message_of([&] { Sgd{.groups = groups}.start(Two()); }),
            "error[E0762]: the parameter bias is in two groups: \"b*\" and \"*s\"\nnote: recorded at "
            "options_test.cpp\nhint: patterns of groups share no parameter; name what remains, or give one group both "
            "patterns");
}

TEST(Groups, ATiedParameterMatchesByEachOfItsPaths) {
  Two tied;
  tied.bias = tied.weight;
  auto sgd = Sgd{.lr = 1, .groups = {{.pattern = "bias", .is_frozen = true}}}.start(tied);
  sgd.update(tied, {Tensor::ones({3}), Tensor::ones({3})});
  EXPECT_EQ(tied.weight.array().get(0), 0);
}

}  // namespace
}  // namespace strata::optim
