// A small GPT learns a text by heart through jit, with everything that a real run has: AdamW in groups, warm-up and
// cosine, clipping, dropout with a key per step, and the check for finite steps.
#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "strata/models/gpt.h"
#include "strata/nn/loss.h"
#include "strata/nn/precision.h"
#include "strata/nn/testing/golden.h"
#include "strata/optim/rules.h"
#include "strata/optim/schedule.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

constexpr std::string_view kText = "the quick brown fox jumps over the lazy dog and runs away from it. ";

struct Batch {
  Tensor x_BT, y_BT;
};

/// `rows` windows of the text, and the same one letter later.
Batch windows(int64_t rows, int64_t length, uint64_t seed) {
  std::vector<int32_t> x, y;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t t = 0; t < length; ++t) {
      const size_t at = seed * 5 + static_cast<uint64_t>(r) * 13 + static_cast<uint64_t>(t);
      x.push_back(kText[at % kText.size()] - 32);
      y.push_back(kText[(at + 1) % kText.size()] - 32);
    }
  return {Tensor::from(std::span<const int32_t>(x), {rows, length}),
          Tensor::from(std::span<const int32_t>(y), {rows, length})};
}

/// The losses of `steps` steps.
std::vector<double> train(DType compute, double dropout, int steps) {
  models::Gpt model({.layers = 2, .width = 32, .heads = 4, .vocabulary = 96, .context = 16, .dropout = dropout});
  nn::init(model, Key(0));
  const auto lr = optim::warmup(5, 1e-2).then(optim::cosine(1e-2, 1e-3, steps - 5));
  auto adam = optim::AdamW{.clip_norm = 1, .groups = {{.pattern = "*.bias *ln_*", .weight_decay = 0}}}.start(model);
  auto step = jit([=](models::Gpt& m, optim::Optimiser& opt, Tensor x_BT, Tensor y_BT, Key key) {
    nn::Context context(nn::Mode::Train, key);
    auto [loss, grads] = value_and_grad(
        [&](const models::Gpt& m) {
          const auto cast_model = compute == DType::f32 ? m : nn::cast_parameters(m, compute);
          return nn::cross_entropy(cast(cast_model(x_BT, context), DType::f32), y_BT);
        },
        m);
    opt.update(m, grads, loss);
    return loss;
  });
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) {
    const Batch batch = windows(8, 16, i);
    adam.set_lr(lr(i));
    losses.push_back(step(model, adam, batch.x_BT, batch.y_BT, Key(9).fold_in(i)).item());
  }
  EXPECT_EQ(step.recordings(), 1);
  EXPECT_EQ(adam.step().item(), steps);
  return losses;
}

TEST(Gpt, LearnsATextByHeart) {
  const auto losses = train(DType::f32, 0, 60);
  EXPECT_NEAR(losses.front(), std::log(96.0), 0.2);
  EXPECT_LT(losses.back(), 1.2);
}

TEST(Gpt, LearnsWithDropout) { EXPECT_LT(train(DType::f32, 0.1, 60).back(), 1.5); }

TEST(Gpt, LearnsInBf16WithF32Masters) { EXPECT_LT(train(DType::bf16, 0, 60).back(), 1.2); }

TEST(Gpt, ItsLossesFollowPyTorch) {
  const nn::Golden golden("gpt.safetensors");
  models::Gpt model({.layers = 2, .width = 8, .heads = 2, .vocabulary = 7, .context = 6});
  nn::init(model, Key(0));
  for (const Leaf& leaf : leaves_of(model).list)
    if (leaf.tensor().defined()) leaf.assign(golden("gpt.param." + leaf.paths[0]));
  const std::vector<optim::Group> groups = {{.pattern = "*bias *ln_*", .weight_decay = 0}};
  auto adam = optim::AdamW{.lr = 1e-2, .weight_decay = 0.1, .clip_norm = 1, .groups = groups}.start(model);
  auto step = jit([](models::Gpt& m, optim::Optimiser& opt, Tensor x_BT, Tensor y_BT) {
    nn::Context context;
    auto [loss, grads] =
        value_and_grad([&](const models::Gpt& m) { return nn::cross_entropy(m(x_BT, context), y_BT); }, m);
    opt.update(m, grads, loss);
    return loss;
  });
  const Tensor losses = golden("gpt.losses");
  for (int i = 0; i < 10; ++i) {
    const double loss = step(model, adam, golden("gpt.x"), golden("gpt.targets")).item();
    EXPECT_NEAR(loss, losses.data<float>()[i], 2e-5 * losses.data<float>()[i]) << i;
  }
}

}  // namespace
}  // namespace strata
