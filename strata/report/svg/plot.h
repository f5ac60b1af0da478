// Line and scatter plots.
//
//   Svg picture = plot(loss_series(steps, train, val_steps, val),
//                      {.title = "GPT: loss", .x = {.label = "step"}, .y = {.label = "loss", .unit = "nats"}});
//
// A line of more points than pixels is thinned to the first, lowest, highest and last of each pixel column, so that a
// run of a million steps is a small file and no spike is lost.
#pragma once

#include <vector>

#include "strata/report/svg/frame.h"

namespace strata::report {

/// Draws all series into one frame. Throws E0690 if x and y of a series differ in length.
Svg plot(const std::vector<Series>& series, const PlotOptions& options);

}  // namespace strata::report
