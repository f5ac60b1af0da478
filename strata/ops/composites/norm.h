// Normalisations. Statistics of half floats are computed in f32; weights and biases are optional (a null Value, or
// nullopt). Each is recorded as a composite of its name.
#pragma once

#include "strata/base/config/bounds.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/optional.h"

namespace strata::ops {

/// What keeps a root or a quotient from 0.
inline constexpr base::Bounds kNormEpsilon = base::Bounds::between(0, 1e6);

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
/// What batch normalisation keeps for evaluation: [C], [C], and how many batches went in.
struct RunningStatistics {
  Value mean, variance, batches;
};
/// (1 - momentum) before + momentum batch, in the dtype of what was before; the variance divides by n - 1, for the n
/// values of a channel of x [N, C, ...]. With one value there is no such variance, and it stays as it was; with none
/// (an empty batch) all three do.
RunningStatistics running_statistics(Value x, const RunningStatistics& before, const BatchNorm& batch, double momentum);
/// By given statistics [C].
Value batch_norm_with(Value x, Value mean, Value variance, Value weight, Value bias, double epsilon = 1e-5);

template <Handle V>
V layer_norm(V x, const Optional<V>& weight, const Optional<V>& bias, int64_t axes = 1, double epsilon = 1e-5,
             Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w, Value b) { return layer_norm(v, w, b, axes, epsilon); }, x, weight, bias);
}
template <Handle V>
V rms_norm(V x, const Optional<V>& weight, double epsilon = 1e-6, Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w) { return rms_norm(v, w, epsilon); }, x, weight);
}
template <Handle V>
V group_norm(V x, int64_t groups, const Optional<V>& weight, const Optional<V>& bias, double epsilon = 1e-5,
             Source at = Source::here()) {
  return lift<V>(at, [&](Value v, Value w, Value b) { return group_norm(v, groups, w, b, epsilon); }, x, weight, bias);
}
/// {result, mean, variance}
template <Handle V>
std::array<V, 3> batch_norm_train(V x, const Optional<V>& weight, const Optional<V>& bias, double epsilon = 1e-5,
                                  Source at = Source::here()) {
  return lift<V>(
      at,
      [&](Value v, Value w, Value b) {
        const BatchNorm n = batch_norm_train(v, w, b, epsilon);
        return std::array<Value, 3>{n.result, n.mean, n.variance};
      },
      x, weight, bias);
}
/// {mean, variance, batches}, from before and from the batch's mean and variance.
template <Handle V>
std::array<V, 3> running_statistics(V x, const std::array<V, 3>& before, V mean, V variance, double momentum,
                                    Source at = Source::here()) {
  return lift<V>(
      at,
      [&](Value v, Value m, Value s, Value b, Value now_m, Value now_s) {
        const RunningStatistics r = running_statistics(v, {m, s, b}, {Value{}, now_m, now_s}, momentum);
        return std::array<Value, 3>{r.mean, r.variance, r.batches};
      },
      x, before[0], before[1], before[2], mean, variance);
}
template <Handle V>
V batch_norm_with(V x, V mean, V variance, const Optional<V>& weight, const Optional<V>& bias, double epsilon = 1e-5,
                  Source at = Source::here()) {
  return lift<V>(
      at, [&](Value v, Value m, Value s, Value w, Value b) { return batch_norm_with(v, m, s, w, b, epsilon); }, x, mean,
      variance, weight, bias);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::layer_norm, ops::rms_norm, ops::group_norm;

}  // namespace strata
