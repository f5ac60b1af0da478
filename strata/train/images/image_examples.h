// Labelled images as the data of a supervised task.
#pragma once

#include <string>
#include <vector>

#include "strata/base/config/config.h"
#include "strata/data/idx/image_folder.h"
#include "strata/train/supervised/examples.h"

namespace strata::train {

struct ImageSet {
  std::string name;  ///< "Fashion-MNIST"
  data::ImageFolder images;
  std::vector<std::string> classes;     ///< names
  std::vector<double> mean, deviation;  ///< of the training images' pixels, one a channel, on the scale from 0 to 1
};

/// data.limit, data.validation and data.augment say what becomes of them.
std::vector<base::ConfigKey> image_keys(base::ConfigKey path);
std::unique_ptr<Examples> make_image_examples(const base::Config& config, ImageSet set);

}  // namespace strata::train
