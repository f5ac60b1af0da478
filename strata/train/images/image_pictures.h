// Pictures of what a classifier of images does: a grid of images with predictions, and the confusion matrix.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/report/html/page.h"
#include "strata/train/run/run_folder.h"

namespace strata::train {

struct Predictions {
  ir::HostArray images;  ///< u8 [N,H,W] or [N,C,H,W]
  ir::HostArray labels;  ///< u8 [N]
  std::vector<int64_t> predicted;
  std::vector<std::string> classes;  ///< names
};

/// Writes samples.png and confusion.svg and adds both to the page.
void show_predictions(report::Page& page, const RunFolder& folder, const Predictions& p);

}  // namespace strata::train
