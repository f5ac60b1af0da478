// LeNet-5 learns made-up images through jit(value_and_grad) and SGD: the thin walk through every layer.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/optim/rules.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

struct Batch {
  Tensor x_BCHW, y_B;
};

/// Class c is a bright square at one of ten places, with noise.
Batch squares(int count, uint64_t seed) {
  HostArray x = uniform(Key(seed), {count, 1, 28, 28}, 0, 0.5).array().clone();
  std::vector<int64_t> labels;
  for (int i = 0; i < count; ++i) {
    const int c = (i * 7 + static_cast<int>(seed)) % 10, top = 2 + (c / 5) * 12, left = 2 + (c % 5) * 5;
    for (int r = 0; r < 6; ++r)
      for (int k = 0; k < 4; ++k) x.as<float>()[(i * 28 + top + r) * 28 + left + k] += 1;
    labels.push_back(c);
  }
  return {Tensor(std::move(x)), Tensor::from(std::span<const int64_t>(labels), {count})};
}

TEST(LeNet, LearnsInSixtySteps) {
  auto model = nn::init<models::LeNet>(Key{0});
  EXPECT_EQ(parameter_count(model), 61706);
  auto sgd = optim::Sgd{.lr = 0.05, .momentum = 0.9}.start(model);
  auto step = jit([](models::LeNet& m, optim::Optimiser& opt, Tensor x_BCHW, Tensor y_B) {
    auto [loss, grads] = value_and_grad([&](const models::LeNet& m) { return nn::cross_entropy(m(x_BCHW), y_B); }, m);
    opt.update(m, grads);
    return loss;
  });
  std::vector<double> losses;
  for (int i = 0; i < 60; ++i) {
    const Batch batch = squares(i == 20 ? 13 : 32, i);
    losses.push_back(step(model, sgd, batch.x_BCHW, batch.y_B).item());
  }
  EXPECT_NEAR(losses.front(), std::log(10.0), 0.15);
  EXPECT_LT(losses.back(), 0.1);
  EXPECT_EQ(step.recordings(), 1) << "another batch size must not record again";
  EXPECT_EQ(sgd.step().item(), 60);
}

}  // namespace
}  // namespace strata
