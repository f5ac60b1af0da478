// Legend: B batch, C channels, H rows, W columns, D features.
#include "strata/models/mobilenet.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/train_codes.h"
#include "strata/models/architecture.h"
#include "strata/nn/pooling.h"
#include "strata/ops/composites/dropout.h"
#include "strata/ops/elementwise/activations.h"

namespace strata::models {
namespace {

/// A row of the paper's table 2: blocks of one number of channels, of which the first has the stride.
struct Stage {
  int64_t expansion, channels, blocks, stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
constexpr int64_t kFirst = 32, kLast = 1280;  // channels

/// The nearest multiple of 8, but never less than nine tenths of it: how the authors round.
int64_t rounded(double channels) {
  const int64_t near = std::max<int64_t>(8, static_cast<int64_t>(channels + 4) / 8 * 8);
  return static_cast<double>(near) < 0.9 * channels ? near + 8 : near;
}

MobileNetConfig checked(const MobileNetConfig& c) {
  base::OptionCheck(base::code::kOptionOutOfRange, "mobilenet")
      .number("width", c.width, kMobileNetWidth)
      .integer("channels", c.channels, base::kExtent)
      .integer("classes", c.classes, base::kExtent)
      .integer("image", c.image, kImageSide)
      .number("dropout", c.dropout, ops::kDropRate);
  return c;
}

InvertedResidual make_block(int64_t in, int64_t out, int64_t expansion, int64_t stride) {
  const int64_t inner = in * expansion;
  InvertedResidual block;
  if (expansion != 1) block.expand = conv_norm(in, inner, 1, 1);
  block.filter = conv_norm(inner, inner, 3, stride, inner);
  block.project = conv_norm(inner, out, 1, 1);
  block.adds_input = stride == 1 && in == out;
  return block;
}

std::vector<base::ConfigKey> keys() {
  const MobileNetConfig usual;
  return {
      base::float_key("model.width", usual.width, "multiplies the channels of each layer, which are multiples of 8")
          .within(kMobileNetWidth),
      base::float_key("model.dropout", usual.dropout, "probability with which the last features are dropped")
          .within(ops::kDropRate),
  };
}

Model make(const base::Config& config, const Extents& data, const Key& key) {
  require_images(config, data, kImageSide);
  MobileNetV2 model({.width = config.float_at("model.width"),
                     .channels = data.channels,
                     .classes = data.classes,
                     .image = std::max(data.height, data.width),
                     .dropout = config.float_at("model.dropout")});
  nn::init(model, key);
  return Model(std::move(model));
}

}  // namespace

extern constinit const Architecture kMobileNetArchitecture = {
    .name = "mobilenet",
    .help = "MobileNetV2: inverted residuals with depthwise convolutions, for images of 28 to 224 pixels a side",
    .eats = Input::Images,
    .returns = Output::Classes,
    .keys = keys,
    .title = [](const base::Config&) { return std::string("MobileNetV2"); },
    .make = make,
};

Tensor InvertedResidual::operator()(const Tensor& x_BCHW, nn::Context& context, Source at) const {
  const LineScope scope(at);
  Tensor h_BCHW = expand ? relu6(apply(*expand, x_BCHW, context, at)) : x_BCHW;
  h_BCHW = relu6(apply(filter, h_BCHW, context, at));
  h_BCHW = apply(project, h_BCHW, context, at);
  return adds_input ? x_BCHW + h_BCHW : h_BCHW;
}

MobileNetV2::MobileNetV2(const MobileNetConfig& c, Source at)
    : config(ops::noting_line(at, [&] { return checked(c); })), dropout{c.dropout} {
  const bool is_for_small_images = c.image <= kSmallImageSide;
  int64_t in = rounded(kFirst * c.width);
  first = conv_norm(c.channels, in, 3, is_for_small_images ? 1 : 2);
  for (const Stage& stage : kStages) {
    const int64_t out = rounded(static_cast<double>(stage.channels) * c.width);
    const bool keeps_sides = is_for_small_images && &stage == &kStages[1];
    for (int64_t i = 0; i < stage.blocks; ++i, in = out)
      blocks.push_back(make_block(in, out, stage.expansion, i == 0 && !keeps_sides ? stage.stride : 1));
  }
  const int64_t features = rounded(kLast * std::max(1.0, c.width));
  last = conv_norm(in, features, 1, 1);
  classifier = {features, c.classes};
}

void MobileNetV2::initialise(const nn::Initialiser& init) {
  const auto fill = [&](ConvNorm& layers, const std::string& path) {
    fill_by_fan_out(std::get<0>(layers), init, path + ".weight");
  };
  fill(first, "features.0.0");
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::string block = fmt::format("features.{}.conv.", i + 1);
    const int place = blocks[i].expand ? 1 : 0;
    if (blocks[i].expand) fill(*blocks[i].expand, block + "0.0");
    fill(blocks[i].filter, fmt::format("{}{}.0", block, place));
    fill(blocks[i].project, fmt::format("{}{}", block, place + 1));
  }
  fill(last, fmt::format("features.{}.0", blocks.size() + 1));
  classifier.weight = init.normal("classifier.1.weight", classifier.weight.shape(), 0.01);
  classifier.bias = init.zeros(classifier.bias.shape());
}

Tensor MobileNetV2::operator()(const Tensor& x_BCHW, nn::Context& context, Source at) const {
  const LineScope scope(at);
  require_image_sides("mobilenet", x_BCHW, kImageSide, at);
  Tensor h_BCHW = relu6(apply(first, x_BCHW, context, at));
  for (const InvertedResidual& block : blocks) h_BCHW = block(h_BCHW, context);
  h_BCHW = relu6(apply(last, h_BCHW, context, at));
  const Tensor h_BD = nn::global_avg_pool(h_BCHW);
  return classifier(dropout(h_BD, context));
}

}  // namespace strata::models
