// Labelled images in IDX files, with the names of MNIST's and its relatives':
//
//   train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
//
// each as it is or as .gz. The images of idx3 are [N, H, W]; of more channels [N, C, H, W], which the header says.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "strata/ir/host_array.h"

namespace strata::data {

struct LabelledImages {
  ir::HostArray images;  ///< u8 [N,H,W] or [N,C,H,W]
  ir::HostArray labels;  ///< u8 [N]
};

struct ImageFolder {
  LabelledImages train, test;
};

/// Labels are bytes.
constexpr int64_t kMostClasses = 256;

/// Advice for whoever has a broken folder; `verb`: "install" for a missing file, "reinstall" for a broken one.
using MendHint = std::function<std::string(std::string_view verb)>;

/// Reads the four files; `name` calls the data in messages, and labels are below `classes`. Throws E0634 when one is
/// missing, E0633, E0638, and E0635 when they don't fit together: other images in the test than in the training, too.
ImageFolder read_image_folder(std::string_view folder, std::string_view name, int64_t classes, const MendHint& hint);

}  // namespace strata::data
