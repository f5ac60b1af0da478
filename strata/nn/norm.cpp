#include "strata/nn/norm.h"

#include "strata/ops/composites/norm.h"
#include "strata/ops/creation.h"
#include "strata/ops/dimension.h"

namespace strata::nn {
namespace {

using Optional = std::optional<Tensor>;

/// n / (n - 1) for the n elements of each channel of x [N, C, ...], an f32 scalar; infinite for n = 1.
Tensor bessel_correction(const Tensor& x, Source at) {
  return ops::lift<Tensor>(
      at,
      [](ir::Value v) {
        const Dim count = floor_div(v.type().elements(), v.type().dim(1));
        const ir::Value n = ops::cast(ops::dimension(v.graph(), count), DType::f32);
        return n / (n - 1.0);
      },
      x);
}

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
  const Initialiser statistics(Key(0), init.path(), DType::f32);  // in f32 beside half-float weights too
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
  const Tensor new_mean = cast(stop_gradient(mean), DType::f32), new_var = cast(stop_gradient(variance), DType::f32);
  context.update(running_mean, mean_before * (1 - momentum) + new_mean * momentum);
  context.update(running_var, var_before * (1 - momentum) + new_var * bessel_correction(x, at) * momentum);
  context.update(num_batches_tracked, count_before + 1);
  return y;
}

}  // namespace strata::nn
