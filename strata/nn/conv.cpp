#include "strata/nn/conv.h"

#include <cmath>

#include "strata/nn/window_fit.h"
#include "strata/ops/dot.h"
#include "strata/ops/shape.h"

namespace strata::nn {
namespace {

/// [C] -> [C, 1...], which broadcasts against [N, C, spatial...].
Tensor with_channel_bias(const Tensor& y, const Tensor& bias, int spatial, Source at) {
  if (!bias.defined()) return y;
  Shape shape{bias.dim(0)};
  shape.resize(static_cast<size_t>(spatial) + 1, 1);
  return add(y, ops::Operand<Tensor>(reshape(bias, shape, at), at), at);
}

template <int spatial>
Shape weight_shape(int64_t first, int64_t second, const Extent<spatial>& kernel) {
  Shape shape{first, second};
  for (int64_t k : kernel.sizes) shape.push_back(k);
  return shape;
}

double bound_of(int64_t fan_in) { return fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0; }

}  // namespace

template <int spatial>
void Conv<spatial>::initialise(const Initialiser& init) {
  const double bound = bound_of(in / options.groups * kernel.product());
  weight = init.uniform("weight", weight_shape(out, in / options.groups, kernel), bound);
  if (options.has_bias == Bias::Learned) bias = init.uniform("bias", {out}, bound);
}

template <int spatial>
Tensor Conv<spatial>::operator()(const Tensor& x, Source at) const {
  const PathScope scope = path.enter();
  require_windows_fit("conv", x, kernel, options.padding, options.dilation, at);
  const ops::ConvShape shape{.strides = options.stride.shape(),
                             .pad_lo = options.padding.shape(),
                             .pad_hi = options.padding.shape(),
                             .lhs_dilation = {},
                             .rhs_dilation = options.dilation.shape(),
                             .groups = options.groups};
  return with_channel_bias(conv(x, weight, shape, at), bias, spatial, at);
}

template <int spatial>
void ConvTranspose<spatial>::initialise(const Initialiser& init) {
  const double bound =
      bound_of(out / options.groups * kernel.product());  // PyTorch takes axis 1 for the inputs here too
  weight = init.uniform("weight", weight_shape(in, out / options.groups, kernel), bound);
  if (options.has_bias == Bias::Learned) bias = init.uniform("bias", {out}, bound);
}

template <int spatial>
Tensor ConvTranspose<spatial>::operator()(const Tensor& x, Source at) const {
  const PathScope scope = path.enter();
  ops::ConvShape shape{.strides = {},
                       .lhs_dilation = options.stride.shape(),
                       .rhs_dilation = options.dilation.shape(),
                       .groups = options.groups};
  ops::Ints window_axes;
  for (int a = 0; a < spatial; ++a) {
    const int64_t reach = options.dilation[a] * (kernel[a] - 1) - options.padding[a];
    shape.pad_lo.push_back(reach);
    shape.pad_hi.push_back(reach + options.output_padding[a]);
    window_axes.push_back(a + 2);
  }
  // [in, out / groups, k...] -> [out, in / groups, k...] with the window turned around.
  const Dim groups(options.groups);
  const Tensor turned = reverse(weight, window_axes, at);
  Shape split{groups, floor_div(weight.dim(0), groups)},
      joined{weight.dim(1) * groups, floor_div(weight.dim(0), groups)};
  for (int a = 1; a < weight.rank(); ++a) split.push_back(weight.dim(a));
  for (int a = 2; a < weight.rank(); ++a) joined.push_back(weight.dim(a));
  const Tensor swapped = reshape(swap_axes(reshape(turned, split, at), 1, 2, at), joined, at);
  return with_channel_bias(conv(x, swapped, shape, at), bias, spatial, at);
}

template struct Conv<1>;
template struct Conv<2>;
template struct Conv<3>;
template struct ConvTranspose<1>;
template struct ConvTranspose<2>;
template struct ConvTranspose<3>;

}  // namespace strata::nn
