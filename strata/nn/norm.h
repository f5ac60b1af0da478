// Normalisation layers. Weights start at one, biases at zero.
#pragma once

#include "strata/nn/context.h"
#include "strata/nn/init.h"

namespace strata::nn {

/// What a norm learns: a weight and a bias, the weight alone, or nothing. The tree has no field for what is not learnt.
enum class Affine : uint8_t { Learned, WithoutBias, None };
/// Whether a norm that learns `affine` leaves out the field.
bool norm_lacks(Affine affine, std::string_view field, const Tensor& weight, const Tensor& bias);

/// Over the last axis, of extent `width`. weight and bias [width]. Ba, Kiros and Hinton 2016.
struct LayerNorm {
  int64_t width = 0;
  double epsilon = 1e-5;
  Affine affine = Affine::Learned;
  Tensor weight, bias;
  Path path{};
  STRATA_FIELDS(weight, bias, epsilon)

  bool lacks(std::string_view field) const { return norm_lacks(affine, field, weight, bias); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

/// x / sqrt(mean(x^2) + epsilon) * weight over the last axis. Zhang and Sennrich 2019.
struct RmsNorm {
  int64_t width = 0;
  double epsilon = 1e-6;
  Affine affine = Affine::WithoutBias;  ///< or None
  Tensor weight;
  Path path{};
  STRATA_FIELDS(weight, epsilon)

  bool lacks(std::string_view field) const { return norm_lacks(affine, field, weight, {}); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

/// Each group of channels of each image of x [N, C, ...] together. weight and bias [C]. Wu and He 2018.
struct GroupNorm {
  int64_t groups = 1, channels = 0;
  double epsilon = 1e-5;
  Affine affine = Affine::Learned;
  Tensor weight, bias;
  Path path{};
  STRATA_FIELDS(weight, bias, groups, epsilon)

  bool lacks(std::string_view field) const { return norm_lacks(affine, field, weight, bias); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

/// Each channel of x [N, C, ...] over the batch in training, by running statistics in evaluation. Ioffe and Szegedy
/// 2015. running = (1 - momentum) running + momentum batch, with the variance that divides by n - 1, as PyTorch has it.
///
/// A batch with one value a channel (a last batch of one sample) is normalised to `bias`, as its variance is 0, and
/// leaves running_var as it was: there is no variance that divides by 0. An empty batch gives an empty result and
/// leaves all three.
struct BatchNorm {
  int64_t channels = 0;
  double momentum = 0.1, epsilon = 1e-5;
  Affine affine = Affine::Learned;
  Tensor weight, bias;
  Buffer running_mean, running_var, num_batches_tracked;  ///< [C], [C] in f32 (f64 for f64 weights), i64 []
  Path path{};
  STRATA_FIELDS(weight, bias, running_mean, running_var, num_batches_tracked, momentum, epsilon)

  bool lacks(std::string_view field) const { return norm_lacks(affine, field, weight, bias); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Context& context, Source at = Source::here()) const;
};

using BatchNorm1d = BatchNorm;
using BatchNorm2d = BatchNorm;
using BatchNorm3d = BatchNorm;

}  // namespace strata::nn
