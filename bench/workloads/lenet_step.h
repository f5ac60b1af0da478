// LeNet-5's training step as a user writes it: batch 64 of made-up images, cross-entropy, SGD with momentum.
#pragma once

#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/optim/rules.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {

class LeNetStep {
 public:
  explicit LeNetStep(int64_t batch = 64);
  /// One step, until the loss is known.
  double operator()() { return step_(model_, optimiser_, x_BCHW_, y_B_).item(); }
  std::shared_ptr<const runtime::Executable> program() const { return step_.executable(); }

 private:
  struct Step {
    Tensor operator()(models::LeNet& m, optim::Optimiser& optimiser, Tensor x_BCHW, Tensor y_B) const {
      auto [loss, grads] = value_and_grad([&](const models::LeNet& m) { return nn::cross_entropy(m(x_BCHW), y_B); }, m);
      optimiser.update(m, grads, loss);
      return loss;
    }
  };
  models::LeNet model_;
  optim::Optimiser optimiser_;
  Tensor x_BCHW_, y_B_;
  Jitted<Step> step_ = jit(Step{}, {.name = "lenet_step"});
};

}  // namespace strata::bench
