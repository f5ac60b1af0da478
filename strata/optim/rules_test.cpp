// Trajectories against PyTorch's (tools/golden/optim.py), and what commits an update.
#include "strata/optim/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "strata/base/error/error.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/optim/accumulate.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::optim {
namespace {

struct Quadratic {
  Tensor w;
  STRATA_FIELDS(w)
};

// From tools/golden/optim.py; typed in as numbers, since optim stands below the file formats.
#include "strata/optim/trajectories.inc"

Tensor matrix(std::span<const float> v) { return Tensor::from(v, {3, 2}); }

template <class Options>
void check(const std::string& name, const Options& options, std::span<const float> expected) {
  Quadratic model{matrix(kW0)};
  const Tensor a = matrix(kA), b = matrix(kB);
  auto optimiser = options.start(model);
  auto step = jit([&](Quadratic& m, Optimiser& o) {
    auto [loss, grads] = value_and_grad([&](const Quadratic& m) { return sum(square(a * m.w - b)); }, m);
    o.update(m, grads, loss);
    return loss;
  });
  for (size_t i = 0; i < expected.size() / 6; ++i) {
    optimiser.set_lr(i < 4 ? 0.1 : 0.05);
    step(model, optimiser);
    for (size_t k = 0; k < 6; ++k)
      ASSERT_NEAR(model.w.data<float>()[k], expected[i * 6 + k], 2e-6) << name << " step " << i << " element " << k;
  }
  EXPECT_EQ(step.recordings(), 1) << "another rate must not record again";
}

TEST(Sgd, FollowsPyTorch) {
  check("sgd", Sgd{.lr = 0.1}, kSgd);
  check("sgd_momentum", Sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.02}, kSgdMomentum);
  check("sgd_dampening", Sgd{.lr = 0.1, .momentum = 0.9, .dampening = 0.3}, kSgdDampening);
  check("sgd_nesterov", Sgd{.lr = 0.1, .momentum = 0.8, .weight_decay = 0.02, .nesterov = true}, kSgdNesterov);
  check("clipped", Sgd{.lr = 0.1, .momentum = 0.9, .clip_norm = 0.5}, kClipped);
}
TEST(Adam, FollowsPyTorch) { check("adam", Adam{.lr = 0.1, .weight_decay = 0.02}, kAdam); }
TEST(AdamW, FollowsPyTorch) {
  check("adamw", AdamW{.lr = 0.1, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}, kAdamw);
}
TEST(Adagrad, FollowsPyTorch) { check("adagrad", Adagrad{.lr = 0.1, .lr_decay = 0.1, .weight_decay = 0.02}, kAdagrad); }
TEST(RmsProp, FollowsPyTorch) {
  check("rmsprop", RmsProp{.lr = 0.1, .alpha = 0.9}, kRmsprop);
  const RmsProp centred{.lr = 0.1, .alpha = 0.9, .weight_decay = 0.02, .momentum = 0.5, .is_centred = true};
  check("rmsprop_centred", centred, kRmspropCentred);
}

struct Two {
  Tensor weight, bias;
  STRATA_FIELDS(weight, bias)
};
Two ones() { return {Tensor::from({1.f, 1.f}), Tensor::from({1.f})}; }

TEST(Optimiser, GroupsSelectByPath) {
  EXPECT_TRUE(matches_pattern("h.0.ln_1.weight", "*.bias *ln_*"));
  EXPECT_FALSE(matches_pattern("h.0.attn.weight", "*.bias *ln_*"));
  EXPECT_TRUE(matches_pattern("a", "a"));
  EXPECT_FALSE(matches_pattern("ab", "a"));

  Two model = ones();
  auto sgd = Sgd{.lr = 1, .weight_decay = 0.5, .groups = {{.pattern = "bias", .weight_decay = 0}}}.start(model);
  sgd.update(model, Two{Tensor::from({0.f, 0.f}), Tensor::from({0.f})});
  EXPECT_EQ(model.weight.data<float>()[0], 0.5f);
  EXPECT_EQ(model.bias.data<float>()[0], 1);
}

TEST(Optimiser, FrozenParametersStayAndHaveNoState) {
  Two model = ones();
  auto adam = Adam{.lr = 1, .groups = {{.pattern = "weight", .is_frozen = true}}}.start(model);
  EXPECT_EQ(leaves_of(adam).list.size(), 5u) << "step, lr, norm, two moments of bias";
  adam.update(model, ones());
  EXPECT_EQ(model.weight.data<float>()[0], 1);
  EXPECT_NEAR(model.bias.data<float>()[0], 0, 1e-6);
}

TEST(Optimiser, AStepThatIsNotFiniteChangesNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (auto [grad, loss] : {std::pair(nan, 1.f), std::pair(infinity, 1.f), std::pair(1.f, nan)}) {
    Two model = ones();
    auto adam = Adam{.lr = 1}.start(model);
    const Two grads{Tensor::from({grad, 0.f}), Tensor::from({0.f})};
    EXPECT_EQ(adam.update(model, grads, Tensor::scalar(loss)).item(), 0);
    EXPECT_EQ(model.weight.data<float>()[0], 1);
    EXPECT_EQ(adam.step().item(), 0);
    for (const Leaf& leaf : leaves_of(adam).list)
      if (leaf.paths[0].starts_with("first")) {
        EXPECT_EQ(leaf.tensor().array().get(0), 0);
      }
    EXPECT_EQ(adam.update(model, ones(), Tensor::scalar(1)).item(), 1);
    EXPECT_EQ(adam.step().item(), 1);
  }
}

TEST(Optimiser, OfAFiniteLossCommitsAGradientThatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity}) {
    Two model = ones();
    auto adam = Adam{.lr = 1, .commit = Commit::WhenLossIsFinite}.start(model);
    const Two grads{Tensor::from({bad, 1.f}), Tensor::from({1.f})};
    EXPECT_EQ(adam.update(model, grads, Tensor::scalar(bad)).item(), 0);
    EXPECT_EQ(model.weight.array().get(0), 1);
    EXPECT_EQ(adam.step().item(), 0);
    EXPECT_EQ(adam.update(model, grads, Tensor::scalar(1)).item(), 1);
    EXPECT_TRUE(std::isnan(model.weight.array().get(0))) << "infinity over its own root";
    EXPECT_NEAR(model.weight.array().get(1), 0, 1e-6) << "elements and parameters beside it are updated";
    EXPECT_NEAR(model.bias.array().get(0), 0, 1e-6);
    EXPECT_EQ(adam.step().item(), 1);
    EXPECT_EQ(adam.grad_norm().item(), 0) << "no norm is computed";
  }
}

template <class Options>
void expect_same_bits_with_either_commit(Options options) {
  const auto state_after_steps = [&](Commit commit) {
    options.commit = commit;
    Quadratic model{matrix(kW0)};
    const Tensor a = matrix(kA), b = matrix(kB);
    auto optimiser = options.start(model);
    auto step = jit([&](Quadratic& m, Optimiser& o) {
      auto [loss, grads] = value_and_grad([&](const Quadratic& m) { return sum(square(a * m.w - b)); }, m);
      return o.update(m, grads, loss);
    });
    for (int i = 0; i < 5; ++i) EXPECT_EQ(step(model, optimiser).item(), 1);
    std::map<std::string, HostArray> state{{"w", model.w.array().clone()}};
    for (const Leaf& leaf : leaves_of(optimiser).list) state[leaf.paths[0]] = leaf.tensor().array().clone();
    return state;
  };
  const auto by_gradients = state_after_steps(Commit::WhenGradientsAreFinite);
  const auto by_loss = state_after_steps(Commit::WhenLossIsFinite);
  for (const auto& [path, array] : by_gradients)
    if (path != "grad_norm") {
      EXPECT_TRUE(array.same_bits(by_loss.at(path))) << path;
    }
  EXPECT_FALSE(by_gradients.at("w").same_bits(matrix(kW0).array()));
}

TEST(Optimiser, FiniteUpdatesAreTheSameBitsWithEitherCommit) {
  expect_same_bits_with_either_commit(Sgd{.lr = 0.1, .momentum = 0.9, .nesterov = true});
  expect_same_bits_with_either_commit(Adam{.lr = 0.1, .weight_decay = 0.02});
  expect_same_bits_with_either_commit(AdamW{.lr = 0.1, .weight_decay = 0.1});
  expect_same_bits_with_either_commit(Adagrad{.lr = 0.1, .lr_decay = 0.1});
  expect_same_bits_with_either_commit(RmsProp{.lr = 0.1, .momentum = 0.5, .is_centred = true});
}

/// Layers whose weights are much larger than what flows between them.
struct Deep {
  std::vector<Tensor> weights;
  STRATA_FIELDS(weights)
};

TEST(Optimiser, OfAFiniteLossHoldsNoGradientsAndUpdatesInPlace) {
  const auto first = [] {
    Deep model;
    for (uint64_t i = 0; i < 8; ++i) model.weights.push_back(uniform(Key(i), {128, 128}, -0.1, 0.1));
    return model;
  };
  const Tensor x = uniform(Key(20), {8, 128}, -1, 1);
  const auto arena_of_training = [&](Commit commit, Deep& model) {
    auto adam = AdamW{.lr = 0.1, .commit = commit}.start(model);
    auto step = jit(
        [](Deep& m, Optimiser& o, Tensor x) {
          auto [loss, grads] = value_and_grad(
              [&](const Deep& m) {
                Tensor y = x;
                for (const Tensor& w : m.weights) y = tanh(matmul(y, w));
                return sum(square(y));
              },
              m);
          o.update(m, grads, loss);
        },
        {.is_batch_symbolic = false});
    for (int i = 0; i < 3; ++i) step(model, adam, x);
    const ir::Plan& plan = step.executable()->plan();
    for (const ir::KeptArgument& kept : plan.kept)
      EXPECT_EQ(plan.buffers[plan.arguments[kept.argument]].type.rank(), 0) << kept.reason;
    return step.executable()->memory_use(ir::DimBinding()).arena_bytes;
  };
  Deep by_gradients = first(), by_loss = first();
  constexpr int64_t kGradient = 4 * 128 * 128;
  EXPECT_GT(arena_of_training(Commit::WhenGradientsAreFinite, by_gradients), 8 * kGradient);
  EXPECT_LT(arena_of_training(Commit::WhenLossIsFinite, by_loss), 4 * kGradient) << "what flows between the layers";
  for (size_t i = 0; i < 8; ++i) EXPECT_TRUE(by_gradients.weights[i].array().same_bits(by_loss.weights[i].array()));
}

TEST(Optimiser, ARateThatAProgramMadeIsLookedAt) {
  for (const Commit commit : {Commit::WhenGradientsAreFinite, Commit::WhenLossIsFinite})
    for (const double rate :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0, 2e6}) {
      Two model = ones();
      auto adam = Adam{.lr = 1, .commit = commit}.start(model);
      adam.set_lr(Tensor::scalar(rate, DType::f64));
      EXPECT_EQ(adam.update(model, ones(), Tensor::scalar(1)).item(), 0) << rate;
      EXPECT_EQ(model.weight.data<float>()[0], 1) << rate;
      EXPECT_EQ(adam.step().item(), 0) << rate;
      adam.set_lr(Tensor::scalar(0.5, DType::f64));
      EXPECT_EQ(adam.update(model, ones(), Tensor::scalar(1)).item(), 1);
    }
}

TEST(Optimiser, ItsStateIsNamedByParameter) {
  Two model = ones();
  auto adam = AdamW{}.start(model);
  std::vector<std::string> paths;
  for (const Leaf& leaf : leaves_of(adam).list) paths.push_back(leaf.paths[0]);
  EXPECT_EQ(paths, (std::vector<std::string>{"step", "lr", "grad_norm", "first_moment.weight", "second_moment.weight",
                                             "first_moment.bias", "second_moment.bias"}));
}

TEST(Optimiser, AnotherRuleIsAnotherProgram) {
  Two model = ones();
  auto a = Sgd{.momentum = 0.9}.start(model), b = Sgd{.momentum = 0.8}.start(model);
  EXPECT_NE(leaves_of(a).structure, leaves_of(b).structure);
  auto c = Sgd{.momentum = 0.9, .commit = Commit::WhenLossIsFinite}.start(model);
  EXPECT_NE(leaves_of(a).structure, leaves_of(c).structure);
}

TEST(Optimiser, WrongGradientsAreRefusedByName) {
  Two model = ones();
  auto sgd = Sgd{}.start(model);
  try {
    sgd.update(model, Two{Tensor::from({1.f, 2.f, 3.f}), Tensor::from({1.f})});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0512");
    EXPECT_NE(e.text().find("weight is f32[3], the parameter f32[2]"), std::string::npos) << e.text();
  }
  EXPECT_THROW(Optimiser().update(model, ones()), base::Error);
}

TEST(Optimiser, AModelOfOtherExtentsIsRefusedWithTheUsersLine) {
  Two model = ones(), other{Tensor::from({1.f, 1.f, 1.f}), Tensor::from({1.f})};
  auto adam = AdamW{.lr = 1}.start(model);
  int line = 0;
  try {
    line = __LINE__ + 1;
    adam.update(other, other);
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0511") << e.text();
    EXPECT_NE(e.message().find("weight is f32[3], the optimiser was started for one of f32[2]"), std::string::npos)
        << e.text();
    EXPECT_NE(e.text().find("rules_test.cpp:" + std::to_string(line)), std::string::npos) << e.text();
  }
}

TEST(Clipping, ScalesToTheNormAndTellsIt) {
  const Two grads{Tensor::from({3.f, 0.f}), Tensor::from({4.f})};
  const auto [clipped, norm] = clip_by_global_norm(grads, 1);
  EXPECT_FLOAT_EQ(norm.item(), 5);
  EXPECT_NEAR(clipped.bias.item(), 0.8, 1e-6);
  EXPECT_FLOAT_EQ(clip_by_global_norm(grads, 10).first.bias.item(), 4);
}

TEST(Clipping, ScalesGradientsOfAnySize) {
  struct Case {
    DType dtype;
    double size, most, tolerance;
  };
  const Case cases[] = {
      {DType::f32, 1e20, 1, 1e-6},   {DType::f32, 3e38, 1, 1e-6},   {DType::f32, 3e38, 1e-6, 1e-6},
      {DType::f32, 1e-30, 1, 2e-6},  {DType::f32, 1, 0.1, 1e-6},    {DType::f64, 1e20, 1, 1e-12},
      {DType::f64, 1e200, 1, 1e-12}, {DType::f64, 1e306, 1, 1e-12}, {DType::f16, 65504, 1, 2e-3},
      {DType::f16, 6e4, 1e-3, 2e-3}, {DType::bf16, 1e20, 1, 8e-3},  {DType::bf16, 3e38, 1, 8e-3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(ir::dtype_name(c.dtype)) + " " + std::to_string(c.size));
    const Two grads{Tensor::full({600}, c.size, c.dtype), Tensor::full({1000}, -c.size, c.dtype)};
    const double each = grads.weight.array().get(0), norm = each * 40;  // sqrt(1600)
    const auto [clipped, found] = clip_by_global_norm(grads, c.most);
    const double wanted = each * std::min(1.0, c.most / (norm + 1e-6));
    EXPECT_NEAR(clipped.weight.array().get(599) / wanted, 1, c.tolerance);
    EXPECT_NEAR(clipped.bias.array().get(0) / wanted, -1, c.tolerance);
    const bool is_shown = c.dtype == DType::f64 ? norm < 1e308 : norm < 3.4e38;
    if (is_shown) {
      EXPECT_NEAR(found.item() / norm, 1, 1e-6);
    }
    auto half = Sgd{.lr = 1, .clip_norm = c.most}.start(grads);
    Two model{Tensor::zeros({600}, c.dtype), Tensor::zeros({1000}, c.dtype)};
    EXPECT_TRUE(half.update(model, grads).item()) << "the update is skipped";
    EXPECT_NEAR(model.weight.array().get(0) / wanted, -1, c.tolerance);
  }
}

TEST(Clipping, StillSeesGradientsThatAreNotFinite) {
  constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
    for (const double bad : {kInf, -kInf, kNaN}) {
      const Two grads{Tensor::full({3}, 1, dtype), Tensor::full({1}, bad, dtype)};
      Two model{Tensor::zeros({3}, dtype), Tensor::zeros({1}, dtype)};
      auto sgd = Sgd{.lr = 1, .clip_norm = 1}.start(model);
      EXPECT_FALSE(sgd.update(model, grads).item()) << ir::dtype_name(dtype) << " " << bad;
      EXPECT_EQ(model.weight.array().get(0), 0);
    }
}

TEST(Clipping, OfZeroAndOfNothing) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Two grads{Tensor::zeros({0}, dtype), Tensor::zeros({2}, dtype)};
    const auto [clipped, norm] = clip_by_global_norm(grads, 1);
    EXPECT_EQ(norm.item(), 0);
    EXPECT_EQ(clipped.bias.str(), "[0. 0.]");
  }
}

TEST(GradientSum, GivesTheMeanAndStartsAgain) {
  GradientSum<Two> sum(ones());
  auto add = jit([](GradientSum<Two>& s, Two g, Tensor loss) { s.add(g, loss); });
  add(sum, Two{Tensor::from({1.f, 2.f}), Tensor::from({0.f})}, Tensor::scalar(4));
  add(sum, Two{Tensor::from({3.f, 2.f}), Tensor::from({1.f})}, Tensor::scalar(2));
  const Two mean = sum.take();
  EXPECT_EQ(mean.weight.data<float>()[0], 2);
  EXPECT_EQ(mean.bias.item(), 0.5);
  EXPECT_EQ(sum.loss().item(), 3);
  EXPECT_EQ(sum.count.item(), 0);
  EXPECT_EQ(sum.total.weight.data<float>()[1], 0);
}

TEST(GradientSum, OfHalfFloatsAddsUpInF32AndItsMeanMakesAnUpdate) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    Two model{Tensor::zeros({2}, dtype), Tensor::zeros({1}, dtype)};
    GradientSum<Two> sum(model);
    const Two grads{Tensor::full({2}, 300, dtype), Tensor::ones({1}, dtype)};
    for (int i = 0; i < 1000; ++i) sum.add(grads, Tensor::scalar(1));
    const Two mean = sum.take();
    EXPECT_EQ(mean.weight.array().get(1), 300);
    EXPECT_EQ(mean.bias.array().get(0), 1);
    auto sgd = Sgd{.lr = 0.5}.start(model);
    EXPECT_EQ(sgd.update(model, mean).item(), 1);
    EXPECT_EQ(model.bias.array().get(0), -0.5);
    EXPECT_EQ(model.bias.dtype(), dtype);
  }
}

}  // namespace
}  // namespace strata::optim
