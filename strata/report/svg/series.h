// The data of a line or scatter plot.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata::report {

enum class Mark {
  Line,
  FaintLine,  ///< raw data behind its smoothed form; not in the legend
  DashedLine,
  Points,
  LineAndPoints,  ///< rings on a line: few, exact values such as validation losses
};

/// x and y have the same length. A point that is not drawable (NaN, infinite, not positive on a log axis) breaks the
/// line and is counted in a note below the plot.
struct Series {
  std::string name;
  std::vector<double> x, y;
  Mark mark = Mark::Line;
  std::optional<std::size_t> colour = {};  ///< index in the palette; by default the place of the series in the list
};

/// Exponential moving average in which a value loses half its weight after `half_life` values. Not biased at the start
/// (weights are normalised), where the half-life is also shorter, an eighth of the values seen, to follow a steep fall.
/// A value that is not finite stays as it is and does not enter the average.
std::vector<double> smooth(std::span<const double> values, double half_life);

/// The usual picture of a training run: the raw training loss faint, its average over it, validation losses as points.
/// The half-life is a fiftieth of the run. Validation may be empty.
std::vector<Series> loss_series(std::vector<double> steps, std::vector<double> train,
                                std::vector<double> validation_steps, std::vector<double> validation);

}  // namespace strata::report
