#include "strata/nn/norm.h"

#include "strata/ops/composites/norm.h"
#include "strata/ops/creation.h"
#include "strata/ops/layout.h"

namespace strata::nn {
namespace {

using Optional = std::optional<Tensor>;

}  // namespace

void LayerNorm::initialise(const Initialiser& init) {
  weight = init.ones({width});
  bias = init.zeros({width});
}
Tensor LayerNorm::operator()(const Tensor& x, Source at) const {
  const PathScope scope = path.enter();
  return layer_norm(x, Optional(weight), Optional(bias), 1, epsilon, at);
}

void RmsNorm::initialise(const Initialiser& init) { weight = init.ones({width}); }
Tensor RmsNorm::operator()(const Tensor& x, Source at) const {
  const PathScope scope = path.enter();
  return rms_norm(x, Optional(weight), epsilon, at);
}

void GroupNorm::initialise(const Initialiser& init) {
  weight = init.ones({channels});
  bias = init.zeros({channels});
}
Tensor GroupNorm::operator()(const Tensor& x, Source at) const {
  const PathScope scope = path.enter();
  return group_norm(x, groups, Optional(weight), Optional(bias), epsilon, at);
}

void BatchNorm::initialise(const Initialiser& init) {
  // As wide as they are computed: f32 beside half-float weights too.
  const Initialiser statistics(Key(0), init.path(), ops::accumulation_dtype(init.dtype()));
  weight = init.ones({channels});
  bias = init.zeros({channels});
  running_mean = statistics.zeros({channels});
  running_var = statistics.ones({channels});
  num_batches_tracked = Tensor::scalar(0, DType::i64);
}

Tensor BatchNorm::operator()(const Tensor& x, Context& context, Source at) const {
  const PathScope scope = path.enter();
  const Tensor mean_before = running_mean, var_before = running_var, count_before = num_batches_tracked;
  if (!context.is_training())
    return batch_norm_with(x, mean_before, var_before, Optional(weight), Optional(bias), epsilon, at);
  const auto [y, mean, variance] = batch_norm_train(x, Optional(weight), Optional(bias), epsilon, at);
  const auto [new_mean, new_var, new_count] = running_statistics<Tensor>(
      x, {mean_before, var_before, count_before}, stop_gradient(mean, at), stop_gradient(variance, at), momentum, at);
  context.update(running_mean, new_mean);
  context.update(running_var, new_var);
  context.update(num_batches_tracked, new_count);
  return y;
}

}  // namespace strata::nn
