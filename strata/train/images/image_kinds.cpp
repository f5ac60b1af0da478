// Where images come from: the data.kind of each source.
#include <algorithm>
#include <cmath>

#include "strata/data/idx/fashion_mnist.h"
#include "strata/train/images/image_examples.h"

namespace strata::train {
namespace {

std::unique_ptr<Examples> open_fashion_mnist(const base::Config& config) {
  const std::string& folder = config.string_at("data.path");
  return make_image_examples(config,
                             {.name = "Fashion-MNIST",
                              .images = data::fashion_mnist(folder.empty() ? data::kFashionMnistFolder : folder),
                              .classes = {data::kFashionMnistClasses.begin(), data::kFashionMnistClasses.end()},
                              .mean = {0.2860},
                              .deviation = {0.3530}});
}

/// Of each channel, over the training images; a channel that never changes keeps its scale.
void measure_channels(ImageSet& set) {
  const ir::HostArray& images = set.images.train.images;
  const auto& shape = images.shape();
  const int64_t channels = shape.size() == 4 ? shape[1] : 1, plane = shape[shape.size() - 2] * shape.back();
  const auto bytes = images.as<uint8_t>();
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (int64_t n = 0; n < shape[0]; ++n)
      for (const uint8_t value : bytes.subspan((n * channels + c) * plane, plane))
        sum += value, squares += value * value;
    const double count = shape[0] * plane;
    const double mean = sum / count, variance = std::max(0.0, squares / count - mean * mean);
    set.mean.push_back(mean / 255);
    set.deviation.push_back(variance > 0 ? std::sqrt(variance) / 255 : 1);
  }
}

std::unique_ptr<Examples> open_images(const base::Config& config) {
  const std::string& folder = config.string_at("data.path");
  const data::MendHint hint = [](std::string_view) -> std::string {
    return "data.path must hold train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
           "t10k-labels-idx1-ubyte, with or without .gz";
  };
  ImageSet set{.name = folder, .images = data::read_image_folder(folder, "images", data::kMostClasses, hint)};
  const int64_t classes = 1 + std::max(std::ranges::max(set.images.train.labels.as<uint8_t>()),
                                       std::ranges::max(set.images.test.labels.as<uint8_t>()));
  for (int64_t i = 0; i < classes; ++i) set.classes.push_back(std::to_string(i));
  measure_channels(set);
  return make_image_examples(config, std::move(set));
}

}  // namespace

extern constinit const DataKind kFashionMnistKind = {
    .name = "fashion_mnist",
    .help = "Fashion-MNIST: 28 x 28 pictures of clothes in ten classes",
    .gives = models::Input::Images,
    .asks = models::Output::Classes,
    .keys =
        [] { return image_keys(base::string_key("data.path", "", "a folder of IDX files in place of the package's")); },
    .open = open_fashion_mnist,
};

extern constinit const DataKind kImagesKind = {
    .name = "images",
    .help = "images of any size in IDX files",
    .gives = models::Input::Images,
    .asks = models::Output::Classes,
    .keys =
        [] {
          return image_keys(base::string_key(
              "data.path", "", "the folder of the files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..."));
        },
    .check =
        [](const base::Config& config) {
          if (config.string_at("data.path").empty())
            config.refuse("data.kind", "images need their folder in data.path");
        },
    .open = open_images,
};

}  // namespace strata::train
