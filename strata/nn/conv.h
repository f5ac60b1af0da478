// Convolution (cross-correlation) over 1 to 3 spatial axes, and its transpose. Images are [N, C, spatial...].
#pragma once

#include "strata/nn/extent.h"
#include "strata/nn/linear.h"
#include "strata/ops/contraction/dot.h"

namespace strata::nn {

template <int spatial>
struct ConvOptions {
  Extent<spatial> stride = 1, padding = 0, dilation = 1;
  int64_t groups = 1;
  Bias has_bias = Bias::Learned;
  ConvAlgorithm algorithm = ConvAlgorithm::Direct;  ///< the others are for kernels of 3 x 3 without strides (E0116)
  STRATA_FIELDS(stride, padding, dilation, groups, algorithm)
};

/// Options are checked by nn::init and at each call (E0760).
/// x [N, in, s...] -> [N, out, (s + 2 padding - dilation (kernel - 1) - 1) / stride + 1...].
/// weight [out, in / groups, kernel...], bias [out], uniform within 1 / sqrt(in / groups * window) at first.
///   nn::Conv2d conv{1, 6, 5, {.padding = 2}};
template <int spatial>
struct Conv {
  int64_t in = 0, out = 0;
  Extent<spatial> kernel = 1;
  ConvOptions<spatial> options{};
  Tensor weight, bias;
  Path path{};
  STRATA_FIELDS(weight, bias, options)

  bool lacks(std::string_view field) const { return lacks_bias(options.has_bias, bias, field); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

template <int spatial>
struct ConvTransposeOptions {
  Extent<spatial> stride = 1, padding = 0, output_padding = 0, dilation = 1;
  int64_t groups = 1;
  Bias has_bias = Bias::Learned;
  STRATA_FIELDS(stride, padding, output_padding, dilation, groups)
};

/// The gradient of Conv with respect to its input, as a layer: x [N, in, s...] ->
/// [N, out, (s - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1...]. weight [in, out / groups,
/// kernel...].
template <int spatial>
struct ConvTranspose {
  int64_t in = 0, out = 0;
  Extent<spatial> kernel = 1;
  ConvTransposeOptions<spatial> options{};
  Tensor weight, bias;
  Path path{};
  STRATA_FIELDS(weight, bias, options)

  bool lacks(std::string_view field) const { return lacks_bias(options.has_bias, bias, field); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

using Conv1d = Conv<1>;
using Conv2d = Conv<2>;
using Conv3d = Conv<3>;
using ConvTranspose1d = ConvTranspose<1>;
using ConvTranspose2d = ConvTranspose<2>;
using ConvTranspose3d = ConvTranspose<3>;

extern template struct Conv<1>;
extern template struct Conv<2>;
extern template struct Conv<3>;
extern template struct ConvTranspose<1>;
extern template struct ConvTranspose<2>;
extern template struct ConvTranspose<3>;

}  // namespace strata::nn
