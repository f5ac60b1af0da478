// Small pictures in a grid with a caption of one or two lines under each: a sample of a dataset, or of a model's
// answers.
//
//   +--------+  +--------+
//   |  28 px |  |        |     scaled up by whole pixels; a coloured frame tells right from wrong
//   +--------+  +--------+
//    Coat        Shirt         first line in the colour of the outcome
//                not Coat      second line grey
#pragma once

#include <string>
#include <vector>

#include "strata/report/png/image.h"

namespace strata::report {

enum class Outcome { None, Right, Wrong };

struct GridItem {
  Image image;               ///< grey or RGB, any size
  std::string caption = {};  ///< printable ASCII is drawn, the rest as boxes
  std::string detail = {};
  Outcome outcome = Outcome::None;
};

struct GridOptions {
  std::string title = {};
  int columns = 8;       ///< as many as there are items at most; 0 counts as 1
  int image_side = 112;  ///< pixels that the longer side of an item aims at, 1 to 32768
};

/// The grid as one RGB picture on white. No items give a picture that says so. Throws E0691 for an item whose pixels
/// don't fit its size, and for options out of their bounds.
Image image_grid(const std::vector<GridItem>& items, const GridOptions& options = {});

/// An item with the usual captions: the predicted label, and "not <true label>" when it is wrong.
GridItem prediction_item(Image image, const std::string& predicted, const std::string& truth);

}  // namespace strata::report
