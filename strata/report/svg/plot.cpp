#include "strata/report/svg/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::report {
namespace {

bool is_line(Mark mark) { return mark != Mark::Points; }

Paint paint_of(const std::vector<Series>& series, std::size_t index) {
  return series_paint(series[index].colour.value_or(index));
}

std::vector<LegendEntry> legend_of(const std::vector<Series>& series) {
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].mark == Mark::FaintLine || series[i].name.empty()) continue;
    legend.push_back({series[i].name, series[i].mark, paint_of(series, i)});
  }
  return legend;
}

/// The drawable points of a series in runs: a point that is not drawable ends a run.
std::vector<std::vector<Point>> runs_of(const Series& series, const Frame& frame) {
  std::vector<std::vector<Point>> runs(1);
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (drawable(series.x[i], frame.x.scale) && drawable(series.y[i], frame.y.scale)) {
      runs.back().push_back(frame.place(series.x[i], series.y[i]));
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  return runs;
}

/// Neighbours that fall into the same pixel column become at most four: first, lowest, highest, last, in their order.
std::vector<Point> thinned(const std::vector<Point>& points, double width) {
  if (static_cast<double>(points.size()) <= 4 * width) return points;
  std::vector<Point> out;
  for (std::size_t begin = 0; begin < points.size();) {
    std::size_t end = begin, low = begin, high = begin;
    for (; end < points.size() && std::floor(points[end].x) == std::floor(points[begin].x); ++end) {
      if (points[end].y < points[low].y) low = end;
      if (points[end].y > points[high].y) high = end;
    }
    std::size_t kept[] = {begin, std::min(low, high), std::max(low, high), end - 1};
    for (std::size_t k = 0; k < 4; ++k) {
      if (k == 0 || kept[k] != kept[k - 1]) out.push_back(points[kept[k]]);
    }
    begin = end;
  }
  return out;
}

void draw_line(Canvas& canvas, const Series& series, const Frame& frame, const Paint& paint) {
  const bool faint = series.mark == Mark::FaintLine;
  const Stroke style{.paint = paint,
                     .width = faint ? 1.0 : 2.0,
                     .opacity = faint ? 0.32 : 1,
                     .dashes = series.mark == Mark::DashedLine ? "6 4" : ""};
  for (const std::vector<Point>& run : runs_of(series, frame)) {
    if (run.size() == 1) canvas.circle(run[0], faint ? 1.0 : 2.0, paint, style.opacity);
    if (run.size() > 1) canvas.polyline(thinned(run, frame.area.width()), style);
  }
}

void draw_points(Canvas& canvas, const Series& series, const Frame& frame, const Paint& paint) {
  const bool many = series.x.size() > 400;
  for (const std::vector<Point>& run : runs_of(series, frame)) {
    for (const Point& point : run) {
      if (series.mark == Mark::LineAndPoints) {
        canvas.ring(point, 3.2, paint, 1.6);
      } else {
        canvas.circle(point, many ? 2 : 3.5, paint, many ? 0.5 : 0.75);
      }
    }
  }
}

struct Seen {
  Extent x, y;
  std::size_t left_out = 0;
  bool has_points = false;
};

Seen look_at(const std::vector<Series>& series, const PlotOptions& options) {
  Seen seen;
  for (const Series& one : series) {
    if (one.x.size() != one.y.size()) {
      throw base::Error(base::code::kUnfittingPlot, fmt::format("plot: series '{}' has {} x values and {} y values",
                                                                one.name, one.x.size(), one.y.size()));
    }
    seen.has_points |= one.mark == Mark::Points;
    for (std::size_t i = 0; i < one.x.size(); ++i) {
      if (!drawable(one.x[i], options.x.scale) || !drawable(one.y[i], options.y.scale)) {
        if (one.mark != Mark::FaintLine) ++seen.left_out;  // its smoothed form counts the same point
        continue;
      }
      seen.x.add(one.x[i]);
      seen.y.add(one.y[i]);
    }
  }
  return seen;
}

}  // namespace

Svg plot(const std::vector<Series>& series, const PlotOptions& options) {
  constexpr double kClipEdge = 6;  // marks on the border stay whole
  const Seen seen = look_at(series, options);
  Canvas canvas = plot_canvas(options);
  const Frame frame =
      draw_frame(canvas, options, legend_of(series), seen.x, seen.y, {.x = seen.has_points ? 0.03 : 0.0, .y = 0.05});
  const Box& area = frame.area;
  canvas.begin_clip(area.left - kClipEdge, area.top - kClipEdge, area.width() + 2 * kClipEdge,
                    area.height() + 2 * kClipEdge);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (is_line(series[i].mark)) draw_line(canvas, series[i], frame, paint_of(series, i));
    if (series[i].mark == Mark::Points || series[i].mark == Mark::LineAndPoints) {
      draw_points(canvas, series[i], frame, paint_of(series, i));
    }
  }
  canvas.end_clip();
  if (seen.x.empty()) draw_no_data(canvas, area);
  if (seen.left_out > 0) {
    draw_note(canvas,
              fmt::format("{} point{} not drawn (not finite{})", seen.left_out, seen.left_out == 1 ? "" : "s",
                          options.x.scale == Scale::Log || options.y.scale == Scale::Log ? " or not positive" : ""));
  }
  return canvas.finish();
}

}  // namespace strata::report
