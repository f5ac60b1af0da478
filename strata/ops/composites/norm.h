// Normalisations. Statistics of half floats are computed in f32; weights and biases are optional (a null Value, or
// nullopt). Each is recorded as a composite of its name.
#pragma once

#include "strata/ops/axes.h"

namespace strata::ops {

/// Over the last `axes` axes; weight and bias have their shape.
Value layer_norm(Value x, Value weight, Value bias, int64_t axes = 1, double epsilon = 1e-5);
/// x / sqrt(mean(x^2) + epsilon) * weight over the last axis.
Value rms_norm(Value x, Value weight, double epsilon = 1e-6);
/// x [N, C, ...]: each group of C / groups channels of an image together; weight and bias [C].
Value group_norm(Value x, int64_t groups, Value weight, Value bias, double epsilon = 1e-5);

struct BatchNorm {
  Value result, mean, variance;  ///< statistics of this batch per channel; the variance divides by n
};
/// x [N, C, ...] by the statistics of the batch.
BatchNorm batch_norm_train(Value x, Value weight, Value bias, double epsilon = 1e-5);
/// By given statistics [C].
Value batch_norm_with(Value x, Value mean, Value variance, Value weight, Value bias, double epsilon = 1e-5);

template <Handle V>
V layer_norm(V x, std::optional<V> weight, std::optional<V> bias, int64_t axes = 1, double epsilon = 1e-5,
             Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w, Value b) { return layer_norm(v, w, b, axes, epsilon); }, x, weight, bias);
}
template <Handle V>
V rms_norm(V x, std::optional<V> weight, double epsilon = 1e-6, Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w) { return rms_norm(v, w, epsilon); }, x, weight);
}
template <Handle V>
V group_norm(V x, int64_t groups, std::optional<V> weight, std::optional<V> bias, double epsilon = 1e-5,
             Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w, Value b) { return group_norm(v, groups, w, b, epsilon); }, x, weight, bias);
}
/// {result, mean, variance}
template <Handle V>
std::array<V, 3> batch_norm_train(V x, std::optional<V> weight, std::optional<V> bias, double epsilon = 1e-5,
                                  Source at = Source::here()) {
  return lift<V>(
      at,
      [&](Value v, Value w, Value b) {
        const BatchNorm n = batch_norm_train(v, w, b, epsilon);
        return std::array<Value, 3>{n.result, n.mean, n.variance};
      },
      x, weight, bias);
}
template <Handle V>
V batch_norm_with(V x, V mean, V variance, std::optional<V> weight, std::optional<V> bias, double epsilon = 1e-5,
                  Source at = Source::here()) {
  return lift<V>(
      at, [&](Value v, Value m, Value s, Value w, Value b) { return batch_norm_with(v, m, s, w, b, epsilon); }, x, mean,
      variance, weight, bias);
}

}  // namespace strata::ops
