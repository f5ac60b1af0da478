// Legend: B batch, C channels, H rows, W columns, D features.
#include "strata/models/lenet.h"

#include <fmt/format.h>

#include "strata/models/architecture.h"
#include "strata/models/image_layers.h"
#include "strata/nn/pooling.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/shape/shape.h"

namespace strata::models {
namespace {

constexpr base::Bounds kSide = base::Bounds::between(28, 28);
constexpr int64_t kClasses = 10;

Model make(const base::Config& config, const Extents& data, const Key& key) {
  require_images(config, data, kSide);
  if (data.channels != 1 || data.classes != kClasses)
    config.refuse("model.kind", fmt::format("a lenet takes images of 1 channel in {} classes, found {} in {}", kClasses,
                                            data.channels, data.classes));
  return Model(nn::init<LeNet>(key));
}

}  // namespace

extern constinit const Architecture kLeNetArchitecture = {
    .name = "lenet",
    .help = "LeNet-5: two convolutions and three linear layers, for 28 x 28 images in ten classes",
    .eats = Input::Images,
    .returns = Output::Classes,
    .keys = [] { return std::vector<base::ConfigKey>{}; },
    .title = [](const base::Config&) { return std::string("LeNet-5"); },
    .make = make,
};

Tensor LeNet::operator()(const Tensor& x_BCHW, Source at) const {
  const LineScope scope(at);
  require_image_sides("lenet", x_BCHW, kSide, at);
  Tensor h_BCHW = nn::max_pool2d(relu(conv1(x_BCHW)), 2);  // 6 x 14 x 14
  h_BCHW = nn::max_pool2d(relu(conv2(h_BCHW)), 2);         // 16 x 5 x 5
  const Tensor h_BD = flatten(h_BCHW, 1);
  return fc3(relu(fc2(relu(fc1(h_BD)))));
}

}  // namespace strata::models
