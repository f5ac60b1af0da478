#include "bench/workloads/lstm_step.h"

namespace strata::bench {

namespace {

nn::Lstm initialised(int64_t width) {
  nn::Lstm model{width, width};
  nn::init(model, Key(0));
  return model;
}

}  // namespace

LstmStep::LstmStep(const LstmSize& size, std::optional<int64_t> memory_budget_bytes)
    : model_(initialised(size.width)),
      optimiser_(optim::Sgd{.lr = 0.01, .momentum = 0.9}.start(model_)),
      x_BTI_(normal(Key(1), {size.batch, size.steps, size.width})),
      y_BTH_(normal(Key(2), {size.batch, size.steps, size.width})),
      step_(jit(Step{}, {.name = "lstm_step", .memory_budget_bytes = memory_budget_bytes})) {
  x_BTI_.evaluate();
  y_BTH_.evaluate();
}

double lstm_flops(const LstmSize& size) {
  const auto rows = static_cast<double>(size.batch * size.steps), width = static_cast<double>(size.width);
  return 3 * 2 * 2 * rows * 4 * width * width;
}

}  // namespace strata::bench
