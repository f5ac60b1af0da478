// Training steps of networks for images as a user writes them: made-up images of 64 pixels, cross-entropy, SGD with
// momentum. The networks are those for 224 pixels, so that their last maps are of 2 x 2.
#pragma once

#include "strata/models/mobilenet.h"
#include "strata/models/resnet.h"
#include "strata/nn/context.h"
#include "strata/nn/init.h"
#include "strata/nn/loss.h"
#include "strata/optim/rules.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {

template <class Model>
class ImageStep {
 public:
  ImageStep(Model model, int64_t batch, int64_t pixels)
      : model_(started(std::move(model))), optimiser_(optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model_)) {
    x_BCHW_ = normal(Key(1), {batch, 3, pixels, pixels}).evaluate();
    y_B_ = random_integers(Key(2), {batch}, 0, 1000, DType::i64).evaluate();
  }
  /// One step, until the loss is known.
  double operator()() { return step_(model_, optimiser_, x_BCHW_, y_B_).item(); }
  std::shared_ptr<const runtime::Executable> program() const { return step_.executable(); }

 private:
  struct Step {
    Tensor operator()(Model& m, optim::Optimiser& optimiser, Tensor x_BCHW, Tensor y_B) const {
      nn::Context context(nn::Mode::Train, Key(3));
      auto [loss, grads] =
          value_and_grad([&](const Model& m) { return nn::cross_entropy(m(x_BCHW, context), y_B); }, m);
      const Tensor is_sound = optimiser.update(m, grads, loss);
      context.commit(m, is_sound);
      return loss;
    }
  };
  static Model started(Model model) {
    nn::init(model, Key(0));
    return model;
  }
  Model model_;
  optim::Optimiser optimiser_;
  Tensor x_BCHW_, y_B_;
  Jitted<Step> step_ = jit(Step{}, {.name = "image_step"});
};

}  // namespace strata::bench
