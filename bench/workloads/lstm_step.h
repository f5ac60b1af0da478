// An LSTM's training step: one layer 256 -> 256 over 100 steps, batch 16, mean square error, SGD with momentum.
#pragma once

#include <optional>

#include "strata/nn/loss.h"
#include "strata/nn/recurrent.h"
#include "strata/optim/rules.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {

struct LstmSize {
  int64_t batch = 16, steps = 100, width = 256;
};

class LstmStep {
 public:
  explicit LstmStep(const LstmSize& size = {}, std::optional<int64_t> memory_budget_bytes = {});
  double operator()() { return step_(model_, optimiser_, x_BTI_, y_BTH_).item(); }
  std::shared_ptr<const runtime::Executable> program() const { return step_.executable(); }

 private:
  struct Step {
    Tensor operator()(nn::Lstm& m, optim::Optimiser& optimiser, Tensor x_BTI, Tensor y_BTH) const {
      auto [loss, grads] = value_and_grad([&](const nn::Lstm& m) { return nn::mse(m(x_BTI).y_BTH, y_BTH); }, m);
      optimiser.update(m, grads, loss);
      return loss;
    }
  };
  nn::Lstm model_;
  optim::Optimiser optimiser_;
  Tensor x_BTI_, y_BTH_;
  Jitted<Step> step_;
};

/// Multiply-adds of a step, each counting two: 4 gates of two products forwards and twice that backwards.
double lstm_flops(const LstmSize& size);

}  // namespace strata::bench
