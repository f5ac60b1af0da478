#include "strata/data/images/image_dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/sampling/random_bits.h"

namespace strata::data {

using base::Error;

/// Where the window lies in the image, and whether it is mirrored.
struct ImageDataset::Placement {
  int64_t top = 0, left = 0;
  bool mirrored = false;
};

ImageDataset::ImageDataset(ir::HostArray images, ir::HostArray labels, int64_t classes, ImageTransform transform)
    : images_(std::move(images)), labels_(std::move(labels)), transform_(std::move(transform)) {
  const auto& shape = images_.shape();
  if (images_.dtype() != ir::DType::u8 || (shape.size() != 3 && shape.size() != 4))
    throw Error(base::code::kUnfittingParts, fmt::format("images: expected u8 [N,H,W] or [N,C,H,W], found {} [{}]",
                                                         ir::dtype_name(images_.dtype()), fmt::join(shape, ",")));
  count_ = shape[0];
  if (shape.size() == 4) channels_ = shape[1];
  height_ = shape[shape.size() - 2];
  width_ = shape[shape.size() - 1];
  check(classes);
  fields_ = {{.name = "image", .dtype = ir::DType::f32, .shape = {channels_, height_, width_}},
             {.name = "label", .dtype = ir::DType::i32, .shape = {}}};
  fill_tables();
}

void ImageDataset::check(int64_t classes) const {
  if (labels_.dtype() != ir::DType::u8 || labels_.rank() != 1 || labels_.elements() != count_)
    throw Error(base::code::kUnfittingParts,
                fmt::format("labels: expected u8 [{}], as many as images, found {} [{}]", count_,
                            ir::dtype_name(labels_.dtype()), fmt::join(labels_.shape(), ",")));
  const auto labels = labels_.as<uint8_t>();
  const auto wrong = std::find_if(labels.begin(), labels.end(), [&](uint8_t label) { return label >= classes; });
  if (wrong != labels.end())
    throw Error(base::code::kUnfittingParts, fmt::format("labels: label {} of image {} is outside {} classes", *wrong,
                                                         wrong - labels.begin(), classes));
  for (const auto* list : {&transform_.mean, &transform_.deviation})
    if (list->size() != 1 && std::ssize(*list) != channels_)
      throw Error(base::code::kUnfittingParts,
                  fmt::format("normalise: expected 1 or {} numbers, one a channel, found {}", channels_, list->size()));
  for (const double mean : transform_.mean)
    if (!std::isfinite(mean))
      throw Error(base::code::kUnfittingParts, fmt::format("normalise: mean {} is not finite", mean));
  for (const double deviation : transform_.deviation)
    if (!(deviation > 0) || !std::isfinite(deviation))
      throw Error(base::code::kUnfittingParts,
                  fmt::format("normalise: expected a deviation above 0, found {}", deviation));
  if (transform_.crop_padding < 0 || transform_.crop_padding > std::max(height_, width_))
    throw Error(base::code::kUnfittingParts, fmt::format("crop: padding {} doesn't suit images of {} x {}",
                                                         transform_.crop_padding, height_, width_));
}

void ImageDataset::fill_tables() {
  tables_.resize(channels_ * 256);
  const auto of_channel = [](const std::vector<double>& list, int64_t c) { return list[list.size() == 1 ? 0 : c]; };
  for (int64_t c = 0; c < channels_; ++c)
    for (int value = 0; value < 256; ++value)
      tables_[c * 256 + value] =
          static_cast<float>((value / 255.0 - of_channel(transform_.mean, c)) / of_channel(transform_.deviation, c));
}

ImageDataset::Placement ImageDataset::draw_placement(int64_t index, Draw draw) const {
  const int64_t padding = transform_.crop_padding;
  if (padding == 0 && !transform_.flip) return {};
  const auto bits = random_bits(draw.seed, RandomUse::Augment, draw.epoch, index);
  return {.top = below(2 * padding + 1, bits[0], 0) - padding,
          .left = below(2 * padding + 1, bits[1], 0) - padding,
          .mirrored = transform_.flip && (bits[2] & 1) != 0};
}

void ImageDataset::read(int64_t index, Draw draw, std::span<std::byte* const> places) const {
  const int32_t label = labels_.as<uint8_t>()[index];
  std::memcpy(places[1], &label, sizeof label);
  const Placement at = draw_placement(index, draw);
  const uint8_t* pixels = images_.as<uint8_t>().data() + index * channels_ * height_ * width_;
  auto* out = reinterpret_cast<float*>(places[0]);
  for (int64_t c = 0; c < channels_; ++c) {
    const float* table = &tables_[c * 256];
    const uint8_t* plane = pixels + c * height_ * width_;
    for (int64_t y = 0; y < height_; ++y, out += width_) {
      const int64_t from_y = y + at.top;
      if (from_y < 0 || from_y >= height_) {
        std::fill_n(out, width_, table[0]);
        continue;
      }
      const uint8_t* row = plane + from_y * width_;
      // The window's columns first .. last-1 lie in the image; the others are padding.
      const int64_t first = std::clamp<int64_t>(-at.left, 0, width_);
      const int64_t last = std::clamp<int64_t>(width_ - at.left, first, width_);
      std::fill(out, out + first, table[0]);
      for (int64_t x = first; x < last; ++x) out[x] = table[row[x + at.left]];
      std::fill(out + last, out + width_, table[0]);
      if (at.mirrored) std::reverse(out, out + width_);
    }
  }
}

}  // namespace strata::data
