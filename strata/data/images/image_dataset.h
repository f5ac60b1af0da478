// Labelled u8 images as a dataset: normalised to f32, and cropped and flipped at random where training wants that.
//
// Fields: "image" f32 [C,H,W] and "label" i32 []. An element becomes (value / 255 - mean) / deviation of its channel.
// Crop and flip are drawn from (seed, epoch, index), so a sample looks the same whichever worker makes it.
#pragma once

#include <vector>

#include "strata/data/loader/dataset.h"
#include "strata/ir/host_array.h"

namespace strata::data {

struct ImageTransform {
  std::vector<double> mean = {0};       ///< one a channel, or one for all
  std::vector<double> deviation = {1};  ///< the same; above 0
  int64_t crop_padding = 0;             ///< pixels of 0 around the image, of which a window of its size is taken
  bool flip = false;                    ///< left and right, for half of the draws
};

class ImageDataset : public Dataset {
 public:
  /// Images u8 [N,H,W] or [N,C,H,W], labels u8 [N] below `classes`. Throws E0635.
  ImageDataset(ir::HostArray images, ir::HostArray labels, int64_t classes, ImageTransform transform = {});

  int64_t size() const override { return count_; }
  const std::vector<SampleField>& fields() const override { return fields_; }
  void read(int64_t index, Draw draw, std::span<std::byte* const> places) const override;

  int64_t label(int64_t index) const { return labels_.as<uint8_t>()[index]; }

 private:
  struct Placement;

  void check(int64_t classes) const;
  void fill_tables();
  Placement draw_placement(int64_t index, Draw draw) const;

  ir::HostArray images_, labels_;
  ImageTransform transform_;
  int64_t count_ = 0, channels_ = 1, height_ = 0, width_ = 0;
  std::vector<SampleField> fields_;
  std::vector<float> tables_;  ///< [C][256]: what a byte becomes
};

}  // namespace strata::data
