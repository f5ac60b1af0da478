// An LSTM learns to continue a sine wave.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/models/lstm.h"
#include "strata/nn/loss.h"
#include "strata/ops/shape/shape.h"
#include "strata/optim/rules.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

/// Rows of a sine wave at different phases, [rows, length + 1, 1].
Tensor waves(int64_t rows, int64_t length, double phase) {
  std::vector<float> values;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t t = 0; t <= length; ++t)
      values.push_back(static_cast<float>(std::sin(0.5 * static_cast<double>(t) + phase + static_cast<double>(r))));
  return Tensor::from(std::span<const float>(values), {rows, length + 1, 1});
}

TEST(Lstm, LearnsToContinueASine) {
  models::LstmRegressor model{.hidden = 16};
  nn::init(model, Key(0));
  auto adam = optim::Adam{.lr = 2e-2}.start(model);
  auto step = jit([](models::LstmRegressor& m, optim::Optimiser& opt, Tensor w_BTI) {
    const Tensor x_BTI = slice_axis(w_BTI, 1, {.limit = Dim(10)}), y_BTI = slice_axis(w_BTI, 1, {.first = 1});
    auto [loss, grads] = value_and_grad([&](const models::LstmRegressor& m) { return nn::mse(m(x_BTI), y_BTI); }, m);
    opt.update(m, grads, loss);
    return loss;
  });
  double loss = 0;
  for (int i = 0; i < 80; ++i) loss = step(model, adam, waves(16, 10, 0.1 * i)).item();
  EXPECT_LT(loss, 0.02);
}

}  // namespace
}  // namespace strata
