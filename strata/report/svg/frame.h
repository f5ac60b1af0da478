// What surrounds the data of a plot: title, legend, axes, grid and notes. The plots draw into the box that is left.
//
//   title
//   subtitle
//   -- a   -- b                      legend, wrapped
//   y label
//   5 |------------------------
//     |        plot area
//   0 |------------------------
//     0      10      20
//             x label          note
#pragma once

#include <string>
#include <vector>

#include "strata/report/svg/axis.h"
#include "strata/report/svg/canvas.h"
#include "strata/report/svg/series.h"

namespace strata::report {

struct PlotOptions {
  std::string title;
  std::string subtitle = {};
  Axis x = {}, y = {};
  double width = 560, height = 320;  ///< pixels, above 0 (E0690); within 200 x 140 and 4000 x 4000, else the nearest
};

struct LegendEntry {
  std::string name;
  Mark mark;
  Paint paint;
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// Writes title, subtitle and legend from the top; returns the y below them.
double draw_heading(Canvas& canvas, const std::string& title, const std::string& subtitle,
                    const std::vector<LegendEntry>& legend);

/// A small right-aligned remark in the lower corner; nothing if empty.
void draw_note(Canvas& canvas, const std::string& note);

/// A plot area with its two axes drawn, and the map from values to pixels.
struct Frame {
  Box area;
  AxisView x, y;
  Point place(double x_value, double y_value) const {
    return {area.left + x.position(x_value) * area.width(), area.bottom - y.position(y_value) * area.height()};
  }
};

struct FrameMargins {
  double x = 0, y = 0.05;  ///< part of the span left free at each end
};

/// Draws heading, grid, ticks and labels for data of these extents.
Frame draw_frame(Canvas& canvas, const PlotOptions& options, const std::vector<LegendEntry>& legend, Extent x_data,
                 Extent y_data, FrameMargins margins);

/// A canvas of the size asked for, within reason.
Canvas plot_canvas(const PlotOptions& options);

/// "no data" in the middle of the area.
void draw_no_data(Canvas& canvas, const Box& area);

}  // namespace strata::report
