#include "strata/report/svg/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/report/svg/axis.h"
#include "strata/report/svg/frame.h"

namespace strata::report {
namespace {

constexpr double kEdge = 16, kLabel = 12, kSmallestWritten = 26;

struct Cell {
  Paint fill;
  Paint ink;
  std::string text, tooltip;
};

Cell shaded(HeatHue hue, double part, std::string text, std::string tooltip) {
  const int level = static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * (kHeatLevels - 1)));
  return {heat_paint(hue, level), heat_text_paint(hue, level), std::move(text), std::move(tooltip)};
}

double widest(const std::vector<std::string>& labels) {
  double width = 0;
  for (const std::string& label : labels) width = std::max(width, text_width(label, kLabel));
  return std::min(width, 160.0);
}

struct GridLayout {
  double cell, left, top, row_labels, column_labels;
  bool turned;  // column labels stand on end when they are wider than a cell
  double width, height;
};

GridLayout lay_out(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                   const HeatMapOptions& options) {
  GridLayout grid{};
  const double most = std::max({rows.size(), columns.size(), std::size_t{1}});
  base::OptionCheck(base::code::kUnfittingPlot, "heat map").number("cell", options.cell, base::Bounds::above(0));
  grid.cell = std::clamp(std::min(options.cell, 900 / most), 2.0, 200.0);
  grid.row_labels = grid.cell >= 10 ? widest(rows) : 0;
  const double column_width = grid.cell >= 10 ? widest(columns) : 0;
  grid.turned = column_width > grid.cell - 4;
  grid.column_labels = column_width == 0 ? 0 : grid.turned ? column_width : kLabel + 4;
  grid.left = kEdge + grid.row_labels + (grid.row_labels > 0 ? 8 : 0);
  double top = options.title.empty() ? kEdge : kEdge + 24;
  if (!options.subtitle.empty()) top += 18;
  if (!options.row_title.empty() || !options.column_title.empty()) top += 22;
  grid.top = top + grid.column_labels + 8;
  const double heading = std::max(text_width(options.title, 15), text_width(options.subtitle, 12)) + 2 * kEdge;
  grid.width = std::max(grid.left + grid.cell * static_cast<double>(columns.size()) + kEdge, std::min(heading, 900.0));
  grid.height = grid.top + grid.cell * static_cast<double>(rows.size()) + kEdge;
  return grid;
}

void draw_labels(Canvas& canvas, const GridLayout& grid, const std::vector<std::string>& rows,
                 const std::vector<std::string>& columns, const HeatMapOptions& options) {
  for (std::size_t r = 0; r < rows.size() && grid.row_labels > 0; ++r) {
    canvas.text(grid.left - 8, grid.top + grid.cell * (static_cast<double>(r) + 0.5) + 4,
                fit_text(rows[r], kLabel, 160), {.paint = muted_paint(), .size = kLabel, .anchor = Anchor::End});
  }
  for (std::size_t c = 0; c < columns.size() && grid.column_labels > 0; ++c) {
    const double x = grid.left + grid.cell * (static_cast<double>(c) + 0.5);
    canvas.text(x + (grid.turned ? 4 : 0), grid.top - 6, fit_text(columns[c], kLabel, 160),
                {.paint = muted_paint(),
                 .size = kLabel,
                 .anchor = grid.turned ? Anchor::Start : Anchor::Middle,
                 .rotate_degrees = grid.turned ? -90.0 : 0.0});
  }
  const double y = grid.top - grid.column_labels - 14;
  std::string titles = options.row_title;
  if (!options.row_title.empty() && !options.column_title.empty()) titles += " \xE2\x86\x93, ";
  if (!options.column_title.empty()) titles += options.column_title + " \xE2\x86\x92";
  canvas.text(kEdge, y, titles, {.paint = muted_paint(), .size = kLabel});
}

/// Draws a grid of cells; `cell_at(row, column)` gives each.
template <class CellAt>
Svg draw_grid(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
              const HeatMapOptions& options, const CellAt& cell_at) {
  const GridLayout grid = lay_out(rows, columns, options);
  Canvas canvas(grid.width, grid.height, options.title.empty() ? "matrix" : options.title);
  draw_heading(canvas, options.title, options.subtitle, {});
  draw_labels(canvas, grid, rows, columns, options);
  const double gap = grid.cell >= 12 ? 1.5 : 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const Cell cell = cell_at(r, c);
      const double x = grid.left + grid.cell * static_cast<double>(c),
                   y = grid.top + grid.cell * static_cast<double>(r);
      canvas.rect(x, y, grid.cell - gap, grid.cell - gap, cell.fill, gap > 0 ? 2 : 0, cell.tooltip);
      if (grid.cell < kSmallestWritten || text_width(cell.text, 11.5) > grid.cell + 4) continue;
      canvas.text(x + (grid.cell - gap) / 2, y + grid.cell / 2 + 3.5, cell.text,
                  {.paint = cell.ink, .size = 11.5, .anchor = Anchor::Middle});
    }
  }
  return canvas.finish();
}

void check_count(std::string_view what, std::size_t count, std::size_t rows, std::size_t columns) {
  if (count == rows * columns) return;
  throw base::Error(base::code::kUnfittingPlot,
                    fmt::format("{}: {} values for {} rows and {} columns", what, count, rows, columns));
}

std::string short_number(double value) {
  const double size = std::abs(value);
  return size >= 0.01 && size < 100 ? fmt::format("{:.2f}", value) : readable_number(value);
}

}  // namespace

Svg heat_map(std::span<const double> values, const std::vector<std::string>& row_labels,
             const std::vector<std::string>& column_labels, const HeatMapOptions& options) {
  check_count("heat map", values.size(), row_labels.size(), column_labels.size());
  Extent extent;
  for (const double value : values) {
    if (drawable(value, Scale::Linear)) extent.add(value);
  }
  const auto cell_at = [&](std::size_t r, std::size_t c) {
    const double value = values[r * column_labels.size() + c];
    const std::string where = row_labels[r] + ", " + column_labels[c] + ": " + readable_number(value);
    if (!drawable(value, Scale::Linear)) return Cell{empty_paint(), muted_paint(), readable_number(value), where};
    const double span = extent.high / 2 - extent.low / 2;  // halves: the span itself may overflow
    return shaded(HeatHue::Blue, span > 0 ? (value / 2 - extent.low / 2) / span : 0, short_number(value), where);
  };
  return draw_grid(row_labels, column_labels, options, cell_at);
}

Svg confusion_matrix(std::span<const std::int64_t> counts, const std::vector<std::string>& labels,
                     const HeatMapOptions& options) {
  check_count("confusion matrix", counts.size(), labels.size(), labels.size());
  std::vector<double> totals(labels.size(), 0);
  for (std::size_t i = 0; i < counts.size(); ++i) totals[i / labels.size()] += static_cast<double>(counts[i]);
  const auto cell_at = [&](std::size_t r, std::size_t c) {
    const std::int64_t count = counts[r * labels.size() + c];
    const double part = totals[r] > 0 ? static_cast<double>(count) / totals[r] : 0;
    const std::string tooltip = fmt::format("{} taken for {}: {} ({:.1f} %)", labels[r], labels[c], count, 100 * part);
    const bool right = r == c;
    return shaded(right ? HeatHue::Blue : HeatHue::Orange, right ? part : std::sqrt(std::max(part, 0.0)),
                  count == 0 ? "" : fmt::format("{}", count), tooltip);
  };
  return draw_grid(labels, labels, options, cell_at);
}

}  // namespace strata::report
