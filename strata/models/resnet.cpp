// Legend: B batch, C channels, H rows, W columns.
#include "strata/models/resnet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "strata/base/error/codes/train_codes.h"
#include "strata/models/architecture.h"
#include "strata/nn/pooling.h"
#include "strata/ops/elementwise/activations.h"

namespace strata::models {
namespace {

struct Depth {
  int64_t layers;
  std::array<int64_t, 4> blocks;  ///< of each stage
  bool has_bottlenecks;
};
constexpr Depth kDepths[] = {{18, {2, 2, 2, 2}, false},
                             {34, {3, 4, 6, 3}, false},
                             {50, {3, 4, 6, 3}, true},
                             {101, {3, 4, 23, 3}, true},
                             {152, {3, 8, 36, 3}, true}};
constexpr const char* kDepthText = "18, 34, 50, 101 or 152";
constexpr int64_t kExpansion = 4;  // channels out of a bottleneck for each channel in it

const Depth* find_depth(int64_t layers) {
  const auto* found = std::ranges::find(kDepths, layers, &Depth::layers);
  return found == std::end(kDepths) ? nullptr : found;
}

ResNetConfig checked(const ResNetConfig& c) {
  const base::OptionCheck check(base::code::kOptionOutOfRange, "resnet");
  check.integer("width", c.width, kResNetWidth)
      .integer("channels", c.channels, base::kExtent)
      .integer("classes", c.classes, base::kExtent)
      .integer("image", c.image, kImageSide);
  if (!find_depth(c.depth)) check.refuse("depth", std::to_string(c.depth), kDepthText);
  return c;
}

ResNetBlock make_block(int64_t in, int64_t width, int64_t stride, bool is_bottleneck) {
  const int64_t out = is_bottleneck ? kExpansion * width : width;
  ResNetBlock block;
  block.conv1 = is_bottleneck ? conv_alone(in, width, 1, 1) : conv_alone(in, width, 3, stride);
  block.bn1 = {.channels = width};
  block.conv2 = conv_alone(width, width, 3, is_bottleneck ? stride : 1);
  block.bn2 = {.channels = width};
  if (is_bottleneck) {
    block.conv3 = conv_alone(width, out, 1, 1);
    block.bn3 = nn::BatchNorm2d{.channels = out};
  }
  if (stride != 1 || in != out) block.downsample = conv_norm(in, out, 1, stride);
  return block;
}

void fill(ResNetBlock& block, const nn::Initialiser& init, const std::string& path) {
  fill_by_fan_out(block.conv1, init, path + "conv1.weight");
  fill_by_fan_out(block.conv2, init, path + "conv2.weight");
  if (block.conv3) fill_by_fan_out(*block.conv3, init, path + "conv3.weight");
  if (block.downsample) fill_by_fan_out(std::get<0>(*block.downsample), init, path + "downsample.0.weight");
}

std::vector<base::ConfigKey> keys() {
  const ResNetConfig usual;
  return {
      base::int_key("model.depth", usual.depth, fmt::format("layers with weights: {}", kDepthText)).between(18, 152),
      base::int_key("model.width", usual.width, "channels of the first stage; each later one has twice as many")
          .within(kResNetWidth),
  };
}

void check_keys(const base::Config& config) {
  const int64_t depth = config.int_at("model.depth");
  if (!find_depth(depth)) config.refuse("model.depth", fmt::format("expected {}, found {}", kDepthText, depth));
}

Model make(const base::Config& config, const Extents& data, const Key& key) {
  require_images(config, data, kImageSide);
  ResNet model({.depth = config.int_at("model.depth"),
                .width = config.int_at("model.width"),
                .channels = data.channels,
                .classes = data.classes,
                .image = std::max(data.height, data.width)});
  nn::init(model, key);
  return Model(std::move(model));
}

}  // namespace

extern constinit const Architecture kResNetArchitecture = {
    .name = "resnet",
    .help = "a residual network, for images of 28 to 224 pixels a side",
    .eats = Input::Images,
    .returns = Output::Classes,
    .keys = keys,
    .check = check_keys,
    .title = [](const base::Config& config) { return fmt::format("ResNet-{}", config.int_at("model.depth")); },
    .make = make,
};

Tensor ResNetBlock::operator()(const Tensor& x_BCHW, nn::Context& context, Source at) const {
  const LineScope scope(at);
  Tensor h_BCHW = relu(bn1(conv1(x_BCHW), context));
  h_BCHW = bn2(conv2(h_BCHW), context);
  if (conv3) h_BCHW = (*bn3)((*conv3)(relu(h_BCHW)), context);
  return relu(h_BCHW + (downsample ? apply(*downsample, x_BCHW, context, at) : x_BCHW));
}

ResNet::ResNet(const ResNetConfig& c, Source at)
    : config(ops::noting_line(at, [&] { return checked(c); })),
      conv1(is_for_small_images() ? conv_alone(c.channels, c.width, 3, 1) : conv_alone(c.channels, c.width, 7, 2)),
      bn1{.channels = c.width} {
  const Depth& depth = *find_depth(c.depth);
  int64_t in = c.width, width = c.width, stride = 1;
  std::vector<ResNetBlock>* const stages[] = {&layer1, &layer2, &layer3, &layer4};
  for (size_t s = 0; s < std::size(stages); ++s, width *= 2, stride = 2)
    for (int64_t i = 0; i < depth.blocks[s]; ++i) {
      stages[s]->push_back(make_block(in, width, i == 0 ? stride : 1, depth.has_bottlenecks));
      in = depth.has_bottlenecks ? kExpansion * width : width;
    }
  fc = {in, c.classes};
}

void ResNet::initialise(const nn::Initialiser& init) {
  fill_by_fan_out(conv1, init, "conv1.weight");
  std::vector<ResNetBlock>* const stages[] = {&layer1, &layer2, &layer3, &layer4};
  for (size_t s = 0; s < std::size(stages); ++s)
    for (size_t i = 0; i < stages[s]->size(); ++i) fill((*stages[s])[i], init, fmt::format("layer{}.{}.", s + 1, i));
}

Tensor ResNet::operator()(const Tensor& x_BCHW, nn::Context& context, Source at) const {
  const LineScope scope(at);
  require_image_sides("resnet", x_BCHW, kImageSide, at);
  Tensor h_BCHW = relu(bn1(conv1(x_BCHW), context));
  if (!is_for_small_images()) h_BCHW = nn::max_pool2d(h_BCHW, 3, {.stride = 2, .padding = 1});
  for (const std::vector<ResNetBlock>* stage : {&layer1, &layer2, &layer3, &layer4})
    for (const ResNetBlock& block : *stage) h_BCHW = block(h_BCHW, context);
  return fc(nn::global_avg_pool(h_BCHW));
}

}  // namespace strata::models
