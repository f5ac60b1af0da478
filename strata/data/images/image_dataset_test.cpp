#include "strata/data/images/image_dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "strata/base/error/error.h"

namespace strata::data {
namespace {

using ir::DType;
using ir::HostArray;

HostArray bytes(std::vector<int64_t> shape, int step = 1) {
  HostArray array(DType::u8, std::move(shape));
  for (int64_t i = 0; i < array.elements(); ++i) array.set_int(i, (i * step + 1) & 255);
  return array;
}

struct Sample {
  std::vector<float> image;
  int32_t label = -1;
};

Sample read(const ImageDataset& dataset, int64_t index, Draw draw = {}) {
  Sample sample;
  sample.image.resize(dataset.fields()[0].bytes() / 4);
  std::byte* const places[] = {reinterpret_cast<std::byte*>(sample.image.data()),
                               reinterpret_cast<std::byte*>(&sample.label)};
  dataset.read(index, draw, places);
  return sample;
}

TEST(ImageDataset, NormalisesEachChannel) {
  const ImageDataset dataset(bytes({2, 2, 1, 3}), HostArray(DType::u8, {2}), 10,
                             {.mean = {0.5, 0}, .deviation = {0.5, 2}});
  EXPECT_EQ(dataset.fields()[0].shape, (std::vector<int64_t>{2, 1, 3}));
  const Sample sample = read(dataset, 1);  // bytes 7 .. 12
  EXPECT_EQ(sample.image[0], static_cast<float>((7 / 255.0 - 0.5) / 0.5));
  EXPECT_EQ(sample.image[5], static_cast<float>(12 / 255.0 / 2));
  EXPECT_EQ(sample.label, 0);
}

TEST(ImageDataset, CropsAreWindowsOfThePaddedImage) {
  const ImageDataset plain(bytes({1, 4, 5}), HostArray(DType::u8, {1}), 1);
  const ImageDataset cropped(bytes({1, 4, 5}), HostArray(DType::u8, {1}), 1, {.crop_padding = 2});
  const auto image = read(plain, 0).image;
  std::set<std::pair<int, int>> seen;
  for (int64_t epoch = 0; epoch < 400; ++epoch) {
    const auto crop = read(cropped, 0, {.seed = 3, .epoch = epoch}).image;
    for (int top = -2; top <= 2; ++top)
      for (int left = -2; left <= 2; ++left) {
        std::vector<float> window(20);
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 5; ++x)
            if (y + top >= 0 && y + top < 4 && x + left >= 0 && x + left < 5)
              window[y * 5 + x] = image[(y + top) * 5 + x + left];
        if (window == crop) seen.insert({top, left});
      }
  }
  EXPECT_EQ(seen.size(), 25u);  // every place occurs, and nothing else (each crop was one of them)
}

TEST(ImageDataset, FlipsMirrorHalfOfTheDraws) {
  const ImageDataset dataset(bytes({1, 2, 3}), HostArray(DType::u8, {1}), 1, {.flip = true});
  const std::vector<float> plain = read(ImageDataset(bytes({1, 2, 3}), HostArray(DType::u8, {1}), 1), 0).image;
  const std::vector<float> mirrored = {plain[2], plain[1], plain[0], plain[5], plain[4], plain[3]};
  int flips = 0;
  for (int64_t epoch = 0; epoch < 1000; ++epoch) {
    const auto image = read(dataset, 0, {.epoch = epoch}).image;
    EXPECT_TRUE(image == plain || image == mirrored);
    flips += image == mirrored;
  }
  EXPECT_NEAR(flips, 500, 60);
}

TEST(ImageDataset, PartsThatDoNotFitAreRefused) {
  const auto refused = [](HostArray images, HostArray labels, ImageTransform transform = {}) {
    try {
      ImageDataset(std::move(images), std::move(labels), 3, std::move(transform));
    } catch (const base::Error& error) {
      return error.code() == "E0635";
    }
    return false;
  };
  const HostArray two(DType::u8, {2});
  EXPECT_FALSE(refused(bytes({2, 4, 4}), two));
  EXPECT_TRUE(refused(bytes({3, 4, 4}), two));
  EXPECT_TRUE(refused(HostArray(DType::f32, {2, 4, 4}), two));
  EXPECT_TRUE(refused(bytes({2, 16}), two));
  EXPECT_TRUE(refused(bytes({2, 4, 4}), bytes({2}, 2)));  // labels 1 and 3, classes 3
  EXPECT_TRUE(refused(bytes({2, 4, 4}), two, {.deviation = {0}}));
  EXPECT_TRUE(refused(bytes({2, 4, 4}), two, {.mean = {0, 0}}));
  EXPECT_TRUE(refused(bytes({2, 4, 4}), two, {.crop_padding = 5}));
}

}  // namespace
}  // namespace strata::data
