// Matrices as colour: heat maps and confusion matrices.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "strata/report/svg/canvas.h"

namespace strata::report {

struct HeatMapOptions {
  std::string title;
  std::string subtitle = {};
  std::string row_title = {}, column_title = {};
  double cell =
      44;  ///< pixels, above 0 (E0690); made smaller for large matrices; numbers are written from 26 pixels on
};

/// values[rows x columns], row by row; labels may be empty. Shading runs from the lowest to the highest finite value; a
/// cell that is not finite is grey. Throws E0690 if the counts don't fit.
Svg heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
             const std::vector<std::string>& column_labels, const HeatMapOptions& options);

/// counts[true class][predicted class], row by row. Right answers are blue, wrong ones orange, both shaded by their
/// part of the row (square root, so that few errors still show). Throws E0690 if counts is not labels x labels.
Svg confusion_matrix(std::span<const std::int64_t> counts, const std::vector<std::string>& labels,
                     const HeatMapOptions& options);

}  // namespace strata::report
