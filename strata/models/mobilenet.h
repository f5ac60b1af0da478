// MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov and Chen 2018, arXiv 1801.04381), with the names of torchvision's state
// dicts.
//
//   features.0            3 x 3 convolution, norm, ReLU6
//   features.1 .. 17      inverted residuals: conv.0 expands (not in the first), the next filters each channel by
//                         itself, and the last two project; input and output are added where they are alike
//   features.18           1 x 1 convolution, norm, ReLU6
//   classifier.1          mean over the map, dropout, linear layer
//
// The map of an image of more than 64 pixels a side is a 32nd of it at the end. Smaller ones keep their sides in the
// first layer and in the first of the strided stages: an 8th.
#pragma once

#include <optional>
#include <vector>

#include "strata/models/image_layers.h"
#include "strata/nn/dropout.h"
#include "strata/nn/linear.h"

namespace strata::models {

struct MobileNetConfig {
  double width = 1;                      ///< multiplies the channels of each layer, which are multiples of 8
  int64_t channels = 3, classes = 1000;  ///< of the images
  int64_t image = 224;                   ///< pixels of their longer side
  double dropout = 0.2;                  ///< in front of the linear layer
};

inline constexpr base::Bounds kMobileNetWidth = base::Bounds::between(0.1, 10);

struct InvertedResidual {
  std::optional<ConvNorm> expand;
  ConvNorm filter;
  ConvNorm project;  ///< its leaves are the block's own: "conv.2.weight", "conv.3.weight"
  bool adds_input = false;

  template <class V>
  void visit_fields(V&& visitor) {
    visit(*this, visitor);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    visit(*this, visitor);
  }
  Tensor operator()(const Tensor& x_BCHW, nn::Context& context, Source at = Source::here()) const;

 private:
  template <class Self, class V>
  static void visit(Self& self, V& visitor) {
    int place = 0;
    const auto name = [&] { return "conv." + std::to_string(place++); };
    if (self.expand) visitor(name(), *self.expand);
    visitor(name(), self.filter);
    visitor(name(), std::get<0>(self.project));
    visitor(name(), std::get<1>(self.project));
    visitor("adds_input", self.adds_input);
  }
};

class MobileNetV2 {
 public:
  /// E0760 names what is out of its bounds.
  explicit MobileNetV2(const MobileNetConfig& config = {}, Source at = Source::here());

  MobileNetConfig config;
  ConvNorm first, last;
  std::vector<InvertedResidual> blocks;
  nn::Dropout dropout;
  nn::Linear classifier;

  template <class V>
  void visit_fields(V&& visitor) {
    visit(*this, visitor);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    visit(*this, visitor);
  }

  void initialise(const nn::Initialiser& init);
  /// [B, channels, H, W] -> logits [B, classes]. E0509 for sides that are not 28 to 224.
  Tensor operator()(const Tensor& x_BCHW, nn::Context& context, Source at = Source::here()) const;

 private:
  template <class Self, class V>
  static void visit(Self& self, V& visitor) {
    int place = 0;
    const auto name = [&] { return "features." + std::to_string(place++); };
    visitor(name(), self.first);
    for (auto& block : self.blocks) visitor(name(), block);
    visitor(name(), self.last);
    visitor("classifier.0", self.dropout);
    visitor("classifier.1", self.classifier);
  }
};

}  // namespace strata::models
