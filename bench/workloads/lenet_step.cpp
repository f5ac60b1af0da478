#include "bench/workloads/lenet_step.h"

namespace strata::bench {

LeNetStep::LeNetStep(int64_t batch)
    : model_(nn::init<models::LeNet>(Key(0))),
      optimiser_(optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model_)),
      x_BCHW_(uniform(Key(1), {batch, 1, 28, 28})),
      y_B_(random_integers(Key(2), {batch}, 0, 10, DType::i64)) {
  x_BCHW_.evaluate();
  y_B_.evaluate();
}

}  // namespace strata::bench
