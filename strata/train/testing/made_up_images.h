// For tests: IDX files like Fashion-MNIST's, few and made up: class c is a bright square at one of ten places.
#pragma once

#include <string>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"

namespace strata::train {

inline void write_made_up_images(const std::string& folder, const std::string& name, int count, int side = 28) {
  base::ByteWriter images, labels;
  const uint32_t extent = side;
  images.big<uint32_t>(0x803).big<uint32_t>(count).big<uint32_t>(extent).big<uint32_t>(extent);
  labels.big<uint32_t>(0x801).big<uint32_t>(count);
  for (int i = 0; i < count; ++i) {
    const int c = (i * 7) % 10, top = 2 + (c / 5) * 12, left = 2 + (c % 5) * 5;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const bool is_bright = y >= top && y < top + 6 && x >= left && x < left + 4;
        images.big<uint8_t>(static_cast<uint8_t>(is_bright ? 250 : (x * 5 + y * 3 + i * 11) % 60));
      }
    labels.big<uint8_t>(static_cast<uint8_t>(c));
  }
  base::write_file(folder + "/" + name + "-images-idx3-ubyte", std::string_view(images.str()));
  base::write_file(folder + "/" + name + "-labels-idx1-ubyte", std::string_view(labels.str()));
}

/// A folder for data.path.
inline void write_made_up_data_set(const std::string& folder, int side = 28) {
  write_made_up_images(folder, "train", 100, side);
  write_made_up_images(folder, "t10k", 40, side);
}

}  // namespace strata::train
