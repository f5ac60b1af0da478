#include "strata/nn/conv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/shape/shape.h"

namespace strata::nn {
namespace {

/// [C] -> [C, 1...], which broadcasts against [N, C, spatial...].
Tensor with_channel_bias(const Tensor& y, const Tensor& bias, int spatial, Source at) {
  if (!bias.defined()) return y;
  Shape shape{bias.dim(0)};
  shape.resize(spatial + 1, 1);
  return add(y, ops::Operand<Tensor>(reshape(bias, shape, at), at), at);
}

template <int spatial>
Shape weight_shape(int64_t first, int64_t second, const Extent<spatial>& kernel) {
  Shape shape{first, second};
  for (int64_t k : kernel.sizes) shape.push_back(k);
  return shape;
}

/// What both kinds of layer have in common: sizes, and groups that divide the channels.
template <class Layer>
void check_layer(const Layer& l, const base::OptionCheck& check) {
  check.integer("in", l.in, base::kExtent)
      .integer("out", l.out, base::kExtent)
      .integer("groups", l.options.groups, base::kExtent)
      .integer("has_bias", static_cast<int64_t>(l.options.has_bias), base::Bounds::between(0, 1));
  check_extent(check, "kernel", l.kernel, base::kExtent);
  check_extent(check, "stride", l.options.stride, base::kExtent);
  check_extent(check, "padding", l.options.padding, base::kExtentOrNone);
  check_extent(check, "dilation", l.options.dilation, base::kExtent);
  const std::string groups = std::to_string(l.options.groups);
  if (l.in % l.options.groups != 0)
    check.refuse("groups", groups, "a divisor of the " + std::to_string(l.in) + " channels in");
  if (l.out % l.options.groups != 0)
    check.refuse("groups", groups, "a divisor of the " + std::to_string(l.out) + " channels out");
}

template <int spatial>
void check_layer_at(const Conv<spatial>& l, std::string_view owner) {
  check_layer(l, base::OptionCheck(base::code::kOptionOutOfRange, owner));
}

/// Output padding beyond the stride would be rows that no input reaches.
template <int spatial>
void check_layer_at(const ConvTranspose<spatial>& l, std::string_view owner) {
  const base::OptionCheck check(base::code::kOptionOutOfRange, owner);
  check_layer(l, check);
  for (int a = 0; a < spatial; ++a) {
    const int64_t most = std::max(l.options.stride[a], l.options.dilation[a]) - 1;
    check.integer("output_padding[" + std::to_string(a) + "]", l.options.output_padding[a],
                  base::Bounds::between(0, most));
  }
}

/// Where the input has no output at all: each axis reaches (x - 1) stride + dilation (kernel - 1) + 1 elements, of
/// which the padding takes some away. What is symbolic is asked when the program runs.
template <int spatial>
void require_output(const ConvTranspose<spatial>& l, const ir::Type& x) {
  const auto& o = l.options;
  if (x.rank() != spatial + 2)
    throw base::Error(
        base::code::kOperandShapes,
        fmt::format("conv_transpose: x is [N, C, spatial...] of rank {}, found {}", spatial + 2, x.str()));
  if (l.weight.defined() && l.weight.rank() > 0 && !ir::proved_equal(x.dim(1), l.weight.dim(0)))
    throw base::Error(base::code::kUnequalDims, fmt::format("conv_transpose: x {} has {} channels, the weight takes {}",
                                                            x.str(), x.dim(1).str(), l.weight.dim(0).str()));
  for (int a = 0; a < spatial; ++a) {
    const Dim extent = x.dim(a + 2);
    if (!extent.is_constant() || extent.constant() == 0) continue;
    const int64_t reach = (extent.constant() - 1) * o.stride[a] + o.dilation[a] * (l.kernel[a] - 1) + 1;
    if (reach - 2 * o.padding[a] + o.output_padding[a] >= 1) continue;
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("conv_transpose: axis {} of {} has no output: it reaches {} elements, the "
                                  "padding takes {} away, the output padding adds {}",
                                  a + 2, x.str(), reach, 2 * o.padding[a], o.output_padding[a]));
  }
}

double bound_of(int64_t fan_in) { return fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0; }

}  // namespace

template <int spatial>
void Conv<spatial>::initialise(const Initialiser& init) {
  check_layer_at(*this, init.owner("conv"));
  const double bound = bound_of(in / options.groups * kernel.product());
  weight = init.uniform("weight", weight_shape(out, in / options.groups, kernel), bound);
  if (options.has_bias == Bias::Learned) bias = init.uniform("bias", {out}, bound);
}

template <int spatial>
Tensor Conv<spatial>::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  ops::noting_line(user_line(at), [&] { check_layer_at(*this, "conv"); });
  const ops::ConvShape shape{.strides = options.stride.shape(),
                             .pad_lo = options.padding.shape(),
                             .pad_hi = options.padding.shape(),
                             .lhs_dilation = {},
                             .rhs_dilation = options.dilation.shape(),
                             .groups = options.groups,
                             .algorithm = options.algorithm};
  return with_channel_bias(conv(x, weight, shape, at), bias, spatial, at);
}

template <int spatial>
void ConvTranspose<spatial>::initialise(const Initialiser& init) {
  check_layer_at(*this, init.owner("conv_transpose"));
  const double bound =
      bound_of(out / options.groups * kernel.product());  // PyTorch takes axis 1 for the inputs here too
  weight = init.uniform("weight", weight_shape(in, out / options.groups, kernel), bound);
  if (options.has_bias == Bias::Learned) bias = init.uniform("bias", {out}, bound);
}

template <int spatial>
Tensor ConvTranspose<spatial>::operator()(const Tensor& x, Source at) const {
  const LayerScope scope(path, at);
  ops::noting_line(user_line(at), [&] {
    check_layer_at(*this, "conv_transpose");
    require_output(*this, x.type(at));
  });
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
