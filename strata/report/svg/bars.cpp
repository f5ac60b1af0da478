#include "strata/report/svg/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::report {
namespace {

constexpr double kBar = 16, kBarGap = 2, kCategoryGap = 10, kEdge = 16;

void check_lengths(const std::vector<std::string>& categories, const std::vector<BarGroup>& groups) {
  for (const BarGroup& group : groups) {
    if (group.values.size() == categories.size()) continue;
    throw base::Error(base::code::kUnfittingPlot, fmt::format("bar chart: group '{}' has {} values for {} categories",
                                                              group.name, group.values.size(), categories.size()));
  }
}

std::vector<LegendEntry> bar_legend(const std::vector<BarGroup>& groups) {
  std::vector<LegendEntry> legend;
  if (groups.size() < 2) return legend;
  for (std::size_t i = 0; i < groups.size(); ++i) legend.push_back({groups[i].name, Mark::Points, series_paint(i)});
  return legend;
}

Extent bar_extent(const std::vector<BarGroup>& groups) {
  Extent extent;
  extent.add(0);
  for (const BarGroup& group : groups) {
    for (const double value : group.values) {
      if (drawable(value, Scale::Linear)) extent.add(value);
    }
  }
  return extent;
}

struct BarLayout {
  Box area;
  AxisView axis;
  double x_of(double value) const { return area.left + std::clamp(axis.position(value), 0.0, 1.0) * area.width(); }
};

void draw_bar(Canvas& canvas, const BarLayout& layout, double y, double value, const Paint& paint) {
  const double zero = layout.x_of(0);
  double x = zero;
  if (drawable(value, Scale::Linear)) {
    x = layout.x_of(value);
    canvas.rect(std::min(x, zero), y, std::max(std::abs(x - zero), 0.5), kBar, paint, 2);
  }
  const bool left = value < 0;
  canvas.text(x + (left ? -5 : 5), y + kBar - 4, readable_number(value),
              {.paint = ink_paint(), .size = 11.5, .anchor = left ? Anchor::End : Anchor::Start});
}

void draw_value_axis(Canvas& canvas, const BarLayout& layout, double bottom) {
  for (const Tick& tick : layout.axis.ticks) {
    const double x = layout.x_of(tick.value);
    canvas.line(x, layout.area.top, x, bottom, {.paint = grid_paint(), .width = 1});
    canvas.text(x, bottom + 16, tick.label, {.paint = muted_paint(), .size = 12, .anchor = Anchor::Middle});
  }
  canvas.text((layout.area.left + layout.area.right) / 2, bottom + 34, layout.axis.label,
              {.paint = muted_paint(), .size = 12, .anchor = Anchor::Middle});
}

double heading_height(const BarOptions& options, double width, std::size_t groups) {
  Canvas measure(width, 100, "");  // drawing the heading is the measure of it
  return draw_heading(measure, options.title, options.subtitle,
                      std::vector<LegendEntry>(groups < 2 ? 0 : groups, {"a name of usual size", Mark::Points, {}}));
}

BarLayout bar_layout(const std::vector<std::string>& categories, const std::vector<BarGroup>& groups,
                     const BarOptions& options, double width, double top, double bottom) {
  double names = 0;
  for (const std::string& name : categories) names = std::max(names, text_width(name, 12));
  Extent extent = bar_extent(groups);
  BarLayout layout;
  layout.area = {kEdge + std::min(names, width * 0.4) + 8, top, width - kEdge - 40, bottom};
  if (extent.low < 0) layout.area.left += 44;  // numbers stand left of negative bars
  Axis axis = options.axis;
  axis.scale = Scale::Linear;
  if (!axis.low && extent.low >= 0) axis.low = 0;
  layout.axis = settle_axis(axis, extent, 0, std::max(2, static_cast<int>(layout.area.width() / 90)));
  return layout;
}

std::vector<double> finite_sorted(std::span<const double> values) {
  std::vector<double> out;
  for (const double value : values) {
    if (drawable(value, Scale::Linear)) out.push_back(value);
  }
  std::sort(out.begin(), out.end());
  return out;
}

int choose_bins(const std::vector<double>& sorted) {
  if (sorted.size() < 2) return 5;
  const double quartiles = sorted[sorted.size() * 3 / 4] - sorted[sorted.size() / 4];
  const double step = 2 * quartiles / std::cbrt(static_cast<double>(sorted.size()));
  const double span = sorted.back() - sorted.front();
  if (!(step > 0) || !(span > 0)) return 20;
  return static_cast<int>(std::clamp(span / step, 5.0, 60.0));
}

void draw_bins(Canvas& canvas, const Frame& frame, const std::vector<double>& counts, double low, double step) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double from = low + step * static_cast<double>(i);
    const Point corner = frame.place(from, counts[i]);
    const double right = frame.place(from + step, 0).x;
    canvas.rect(corner.x + 0.5, corner.y, std::max(right - corner.x - 1, 0.5), frame.area.bottom - corner.y,
                series_paint(0), 0,
                fmt::format("{} to {}: {:.0f}", readable_number(from), readable_number(from + step), counts[i]));
  }
}

}  // namespace

Svg bar_chart(const std::vector<std::string>& categories, const std::vector<BarGroup>& groups,
              const BarOptions& options) {
  check_lengths(categories, groups);
  base::OptionCheck(base::code::kUnfittingPlot, "bar chart").number("width", options.width, base::Bounds::above(0));
  const double width = std::clamp(options.width, 240.0, 4000.0);
  const double category =
      static_cast<double>(std::max<std::size_t>(groups.size(), 1)) * (kBar + kBarGap) + kCategoryGap;
  const double rows = std::max(category * static_cast<double>(categories.size()), 40.0);
  const double estimate = heading_height(options, width, groups.size()) + 4;
  Canvas canvas(width, estimate + rows + (options.axis.label.empty() && options.axis.unit.empty() ? 30 : 48),
                options.title);
  const double top = draw_heading(canvas, options.title, options.subtitle, bar_legend(groups)) + 4;
  const BarLayout layout = bar_layout(categories, groups, options, width, top, top + rows);
  draw_value_axis(canvas, layout, top + rows);
  for (std::size_t c = 0; c < categories.size(); ++c) {
    const double y = top + category * static_cast<double>(c) + kCategoryGap / 2;
    const double middle = y + (category - kCategoryGap) / 2 + 4;
    canvas.text(kEdge, middle, fit_text(categories[c], 12, width * 0.4), {.paint = ink_paint(), .size = 12});
    for (std::size_t g = 0; g < groups.size(); ++g) {
      draw_bar(canvas, layout, y + static_cast<double>(g) * (kBar + kBarGap), groups[g].values[c], series_paint(g));
    }
  }
  if (categories.empty() || groups.empty()) draw_no_data(canvas, layout.area);
  return canvas.finish();
}

Svg histogram(std::span<const double> values, const PlotOptions& options, int bins) {
  base::OptionCheck(base::code::kUnfittingPlot, "histogram").integer("bins", bins, base::Bounds::between(0, 1000));
  const std::vector<double> sorted = finite_sorted(values);
  const std::size_t count = bins > 0 ? bins : choose_bins(sorted);
  Extent extent;
  for (const double value : sorted) extent.add(value);
  if (extent.low == extent.high) extent = {extent.low - 0.5, extent.high + 0.5};
  const double step =
      sorted.empty() ? 1 : extent.high / static_cast<double>(count) - extent.low / static_cast<double>(count);
  std::vector<double> counts(count, 0);
  for (const double value : sorted) {
    ++counts[std::min(static_cast<std::size_t>((value - extent.low) / step), count - 1)];
  }
  PlotOptions shown = options;
  shown.x.scale = Scale::Linear;
  shown.y = {.label = options.y.label.empty() ? "count" : options.y.label, .low = 0};
  Extent heights{0, std::max(1.0, *std::max_element(counts.begin(), counts.end()))};
  Canvas canvas = plot_canvas(shown);
  const Frame frame = draw_frame(canvas, shown, {}, extent, heights, {.x = 0.01, .y = 0.05});
  canvas.begin_clip(frame.area.left, frame.area.top, frame.area.width(), frame.area.height());
  if (!sorted.empty()) draw_bins(canvas, frame, counts, extent.low, step);
  canvas.end_clip();
  if (sorted.empty()) draw_no_data(canvas, frame.area);
  const std::size_t left_out = values.size() - sorted.size();
  if (left_out > 0) draw_note(canvas, fmt::format("{} value{} not finite", left_out, left_out == 1 ? "" : "s"));
  return canvas.finish();
}

}  // namespace strata::report
