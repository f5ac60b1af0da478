// A GPT's training step: 6 layers x 256, 8 heads, vocabulary 4096, context 256, tied head, AdamW, no dropout; in f32,
// or in bf16 with parameters, losses and updates in f32.
#pragma once

#include <optional>

#include "strata/base/json/json.h"
#include "strata/models/gpt.h"
#include "strata/nn/loss.h"
#include "strata/nn/precision.h"
#include "strata/optim/rules.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {

struct GptSize {
  models::GptConfig model{.layers = 6, .width = 256, .heads = 8, .vocabulary = 4096, .context = 256};
  int64_t batch = 16;
  int64_t length = 256;  ///< tokens of a sequence
  DType precision = DType::f32;
};
/// GPT-2 of 124 M parameters, or with other layers.
GptSize gpt2_size(int64_t layers = 12);
/// The same step for bench/peers/torch_step.py.
base::Json torch_setup(const GptSize& size);

class GptStep {
 public:
  explicit GptStep(const GptSize& size = {}, std::optional<int64_t> memory_budget_bytes = {},
                   optim::Commit commit = optim::Commit::WhenGradientsAreFinite);
  double operator()() { return step_(model_, optimiser_, x_BT_, y_BT_).item(); }
  std::shared_ptr<const runtime::Executable> program() const { return step_.executable(); }

 private:
  struct Step {
    DType precision;
    Tensor operator()(models::Gpt& m, optim::Optimiser& optimiser, Tensor x_BT, Tensor y_BT) const {
      auto loss_of = [&](const models::Gpt& m) {
        nn::Context context;
        if (precision == DType::f32) return nn::cross_entropy(m(x_BT, context), y_BT);
        return nn::cross_entropy(cast(nn::cast_parameters(m, precision)(x_BT, context), DType::f32), y_BT);
      };
      auto [loss, grads] = value_and_grad(loss_of, m);
      optimiser.update(m, grads, loss);
      return loss;
    }
  };
  models::Gpt model_;
  optim::Optimiser optimiser_;
  Tensor x_BT_, y_BT_;
  Jitted<Step> step_;
};

/// measure_first_call() of first_call.h.
base::Json measure_gpt_compile(GptSize size = {});

}  // namespace strata::bench
