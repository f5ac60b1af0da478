// What convolutional models share: bounds of their images, and a convolution with its batch norm.
// Legend: B batch, C channels, H rows, W columns.
#pragma once

#include <tuple>

#include "strata/nn/conv.h"
#include "strata/nn/norm.h"

namespace strata::models {

/// Pixels a side of the images that residual models take: below, their last maps have no pixel left to pool.
inline constexpr base::Bounds kImageSide = base::Bounds::between(28, 224);
/// Up to so many pixels a side, models of large images keep the resolution that they else give up in their first
/// layers: 28 x 28 would end as 1 x 1 long before the last stage.
inline constexpr int64_t kSmallImageSide = 64;

/// Refuses images [B, C, H, W] whose sides are out of the bounds (E0509): "lenet: images of 32 x 32, expected 28 x 28".
void require_image_sides(std::string_view model, const Tensor& x_BCHW, const base::Bounds& side, Source at);
/// "28 x 28 pixels", "28 to 224 pixels a side".
std::string image_side_text(const base::Bounds& side);

/// A convolution without a bias and the norm that follows it: leaves "0.weight", "1.weight", ...
using ConvNorm = std::tuple<nn::Conv2d, nn::BatchNorm2d>;
ConvNorm conv_norm(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups = 1);
/// The same without the norm; the padding keeps the sides at stride 1.
nn::Conv2d conv_alone(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups = 1);

Tensor apply(const ConvNorm& layers, const Tensor& x_BCHW, nn::Context& context, Source at);

/// Normal, by the fan-out (He et al. 2015): what keeps the size of gradients through ReLUs. `name`: "conv1.weight".
void fill_by_fan_out(nn::Conv2d& conv, const nn::Initialiser& init, const std::string& name);

}  // namespace strata::models
