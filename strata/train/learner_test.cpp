// The learner with a model that has running statistics: they are learned, with small batches too, and a step that is
// not finite leaves them alone and names what made the NaN.
#include "strata/train/learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "strata/base/config/config.h"
#include "strata/nn/linear.h"
#include "strata/nn/loss.h"
#include "strata/nn/norm.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/train/config/schema.h"

namespace strata::train {
namespace {

struct Net {
  nn::Linear fc{3, 4};
  nn::BatchNorm1d norm{.channels = 4};
  STRATA_FIELDS(fc, norm)

  Tensor operator()(const Tensor& x, nn::Context& context) const { return norm(fc(x), context); }
};

struct NetLoss {
  Tensor operator()(const Net& net, const Tensor& x, const Tensor& y, nn::Context& context) const {
    return nn::mse(net(x, context), y);
  }
};

base::Config config(std::vector<std::string> overrides = {}) {
  return base::parse_config(training_schema(), "", "test", overrides);
}

Sample sample(uint64_t seed) { return {uniform(Key(seed), {8, 3}, -1, 1), uniform(Key(seed + 1), {8, 4}, -1, 1)}; }

Learner<Net, NetLoss> learner() { return {config(), nn::init<Net>(Key(1))}; }

TEST(Learner, TrainsRunningStatisticsWithTheStepAndWithSmallBatches) {
  auto whole = learner(), gathered = learner();
  const Sample a = sample(1), b = sample(3), one[] = {a}, two[] = {a, b};
  const HostArray start = whole.model().norm.running_mean.array().clone();
  ASSERT_TRUE(whole.step(one, 0.01).is_finite);
  EXPECT_FALSE(whole.model().norm.running_mean.array().same_bits(start));
  EXPECT_EQ(whole.model().norm.num_batches_tracked.item(), 1);
  ASSERT_TRUE(gathered.step(two, 0.01).is_finite);
  EXPECT_EQ(gathered.model().norm.num_batches_tracked.item(), 2);
}

TEST(Learner, AStepThatIsNotFiniteLeavesStatisticsAlone) {
  auto net = learner();
  HostArray poisoned = uniform(Key(1), {8, 3}, -1, 1).array().clone();
  poisoned.set(5, std::numeric_limits<double>::quiet_NaN());
  const HostArray before = net.model().norm.running_mean.array().clone();
  const Sample bad[] = {{Tensor(poisoned), sample(1).y}};
  EXPECT_FALSE(net.step(bad, 0.01).is_finite);
  EXPECT_TRUE(net.model().norm.running_mean.array().same_bits(before));
}

/// The loss is finite, and the gradient of the root of 0 is not.
struct RootOfBiasLoss {
  Tensor operator()(const Net& net, const Tensor& x, const Tensor& y, nn::Context& context) const {
    return nn::mse(net(x, context), y) + sum(sqrt(abs(net.fc.bias) * 0.0));
  }
};

TEST(Learner, AFiniteLossCommitsWhatGradientsWouldNot) {
  const Sample one[] = {sample(1)}, two[] = {sample(1), sample(3)};
  for (const std::span<const Sample> samples : {std::span<const Sample>(one), std::span<const Sample>(two)}) {
    Learner<Net, RootOfBiasLoss> by_gradients(config(), nn::init<Net>(Key(1)));
    Learner<Net, RootOfBiasLoss> by_loss(config({"optim.commit=finite_loss"}), nn::init<Net>(Key(1)));
    EXPECT_FALSE(by_gradients.step(samples, 0.01).is_finite);
    EXPECT_FALSE(std::isnan(by_gradients.model().fc.bias.array().get(0)));
    EXPECT_TRUE(by_loss.step(samples, 0.01).is_finite);
    EXPECT_TRUE(std::isnan(by_loss.model().fc.bias.array().get(0)));
    EXPECT_FALSE(std::isnan(by_loss.model().fc.weight.array().get(0)));
    const HostArray weight = by_loss.model().fc.weight.array().clone();
    EXPECT_FALSE(by_loss.step(samples, 0.01).is_finite) << "NaN in the parameters is NaN in the loss";
    EXPECT_TRUE(by_loss.model().fc.weight.array().same_bits(weight));
  }
}

TEST(Learner, AFiniteLossGivesTheBitsOfFiniteGradientsAndUpdatesInPlace) {
  Learner<Net, NetLoss> by_gradients(config(), nn::init<Net>(Key(1)));
  Learner<Net, NetLoss> by_loss(config({"optim.commit=finite_loss"}), nn::init<Net>(Key(1)));
  const Sample one[] = {sample(1)}, two[] = {sample(1), sample(3)};
  const std::byte* weight = nullptr;
  for (const std::span<const Sample> samples : {std::span<const Sample>(one), {two}, {one}, {one}}) {
    if (samples.size() == 1) weight = by_loss.model().fc.weight.array().data();
    EXPECT_TRUE(by_gradients.step(samples, 0.01).is_finite);
    EXPECT_TRUE(by_loss.step(samples, 0.01).is_finite);
    if (samples.size() == 1) {
      EXPECT_EQ(by_loss.model().fc.weight.array().data(), weight) << "it has no memory beside the old one";
    }
  }
  Snapshot a, b;
  by_gradients.save(a), by_loss.save(b);
  for (const auto& [name, array] : a.tensors)
    if (name != "optimiser.grad_norm") {
      EXPECT_TRUE(array.same_bits(b.tensors.at(name))) << name;
    }
}

/// A batch whose variance is beyond f32, behind a layer that makes it harmless again: loss and gradients are finite.
struct Spread {
  nn::Linear fc{3, 4};
  nn::BatchNorm1d norm{.channels = 4};
  STRATA_FIELDS(fc, norm)
};
struct SpreadLoss {
  Tensor operator()(const Spread& net, const Tensor& x, const Tensor& y, nn::Context& context) const {
    return nn::mse(net.fc(x), y) + sum(stop_gradient(net.norm(y * 1e25, context))) * 0.0;
  }
};

TEST(Learner, LooksAtEverythingThatAStepWouldCommit) {
  for (const size_t count : {1, 2}) {
    Learner<Spread, SpreadLoss> net(config(), nn::init<Spread>(Key(1)));
    const Sample good{uniform(Key(1), {8, 3}, -1, 1), uniform(Key(2), {8, 4}, 0, 1e-25)},
        bad{good.x, uniform(Key(2), {8, 4}, 0, 1)};
    const Sample goods[] = {good, good}, bads[] = {good, bad};
    ASSERT_TRUE(net.step(std::span(goods, count), 0.01).is_finite);
    Snapshot before, after;
    net.save(before);
    const StepResult result = net.step(std::span(bads + 2 - count, count), 0.02);
    EXPECT_FALSE(result.is_finite);
    EXPECT_TRUE(result.refused.starts_with("norm.running_var[")) << result.refused;
    EXPECT_TRUE(result.refused.ends_with("would become inf")) << result.refused;
    EXPECT_NE(result.culprit, "");
    net.save(after);
    for (const auto& [name, array] : before.tensors) EXPECT_TRUE(array.same_bits(after.tensors.at(name))) << name;
    EXPECT_TRUE(net.step(std::span(goods, count), 0.01).is_finite);
  }
}

struct SquareRoot {
  nn::Linear fc{3, 1};
  STRATA_FIELDS(fc)
};

/// sqrt at zero: a finite loss with a gradient that is not.
struct RootLoss {
  Tensor operator()(const SquareRoot& net, const Tensor& x, const Tensor& y, nn::Context&) const {
    return nn::mse(sqrt(abs(net.fc(x) - net.fc(x))), y);
  }
};

TEST(Learner, AFiniteLossWithAGradientThatIsNotNamesItsOpInSmallBatchesToo) {
  Learner<SquareRoot, RootLoss> net(config(), nn::init<SquareRoot>(Key(1)));
  const Sample one{uniform(Key(1), {8, 3}, -1, 1), uniform(Key(2), {8, 1}, 1, 2)};
  const Sample two[] = {one, one};
  const StepResult result = net.step(two, 0.01);
  EXPECT_FALSE(result.is_finite);
  EXPECT_NE(result.culprit, "");
}

}  // namespace
}  // namespace strata::train
