// Bar charts (lying bars, so that names of any length can be read) and histograms.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "strata/report/svg/frame.h"

namespace strata::report {

struct BarGroup {
  std::string name;            ///< in the legend, if there are several groups
  std::vector<double> values;  ///< one a category; not finite: the number is written and no bar drawn
};

struct BarOptions {
  std::string title;
  std::string subtitle = {};
  Axis axis = {};      ///< of the values; linear, always shows 0
  double width = 560;  ///< pixels, above 0 (E0690), 240 to 4000, else the nearest; the height follows from the bars
};

/// For each category one bar a group, with its value at the end. Throws E0690 if a group has not one value a category.
Svg bar_chart(const std::vector<std::string>& categories, const std::vector<BarGroup>& groups,
              const BarOptions& options);

/// Counts of `values` in equal bins; bins = 0 chooses by the Freedman-Diaconis rule, 5 to 60; E0690 outside of 0 to
/// 1000. Values that are not finite are counted in a note. options.y is ignored but for its label.
Svg histogram(std::span<const double> values, const PlotOptions& options, int bins = 0);

}  // namespace strata::report
