// Residual networks (He, Zhang, Ren and Sun 2015, arXiv 1512.03385), with the names of torchvision's state dicts.
//
//   conv1 bn1 | layer1 .. layer4: blocks of conv1 bn1 conv2 bn2 (conv3 bn3), downsample.0 downsample.1 | fc
//
// Depths 18 and 34 have blocks of two 3 x 3 convolutions, 50, 101 and 152 bottlenecks of 1 x 1, 3 x 3 (which has the
// stride, as torchvision's) and 1 x 1. Images of more than 64 pixels a side go through a 7 x 7 convolution of stride 2
// and a pool of stride 2 first, smaller ones through a 3 x 3 convolution that keeps their sides.
#pragma once

#include <optional>
#include <vector>

#include "strata/models/image_layers.h"
#include "strata/nn/linear.h"

namespace strata::models {

struct ResNetConfig {
  int64_t depth = 18;                    ///< layers with weights: 18, 34, 50, 101 or 152
  int64_t width = 64;                    ///< channels of the first stage; each later one has twice as many
  int64_t channels = 3, classes = 1000;  ///< of the images
  int64_t image = 224;                   ///< pixels of their longer side
};

inline constexpr base::Bounds kResNetWidth = base::Bounds::between(1, 1024);

struct ResNetBlock {
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::Conv2d conv2;
  nn::BatchNorm2d bn2;
  std::optional<nn::Conv2d> conv3;  ///< of a bottleneck
  std::optional<nn::BatchNorm2d> bn3;
  std::optional<ConvNorm> downsample;  ///< where the sides or the channels change
  STRATA_FIELDS(conv1, bn1, conv2, bn2, conv3, bn3, downsample)

  Tensor operator()(const Tensor& x_BCHW, nn::Context& context, Source at = Source::here()) const;
};

class ResNet {
 public:
  /// E0760 names what is out of its bounds.
  explicit ResNet(const ResNetConfig& config = {}, Source at = Source::here());

  ResNetConfig config;
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  std::vector<ResNetBlock> layer1, layer2, layer3, layer4;
  nn::Linear fc;
  STRATA_FIELDS(conv1, bn1, layer1, layer2, layer3, layer4, fc)

  void initialise(const nn::Initialiser& init);
  /// [B, channels, H, W] -> logits [B, classes]. E0509 for sides that are not 28 to 224.
  Tensor operator()(const Tensor& x_BCHW, nn::Context& context, Source at = Source::here()) const;

 private:
  bool is_for_small_images() const { return config.image <= kSmallImageSide; }
};

}  // namespace strata::models
