#include "strata/report/svg/frame.h"

#include <algorithm>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"

namespace strata::report {
namespace {

constexpr double kEdge = 16;      // free space around everything
constexpr double kTickSize = 12;  // font sizes
constexpr double kTitleSize = 15;
constexpr double kPixelsPerTickX = 72, kPixelsPerTickY = 34;

void draw_legend_mark(Canvas& canvas, const LegendEntry& entry, double x, double y) {
  const Point middle{x + 9, y};
  if (entry.mark == Mark::Points) return canvas.circle(middle, 4, entry.paint);
  canvas.line(x, y, x + 18, y,
              {.paint = entry.paint, .width = 2, .dashes = entry.mark == Mark::DashedLine ? "5 4" : ""});
  if (entry.mark == Mark::LineAndPoints) canvas.ring(middle, 3.2, entry.paint, 1.6);
}

double draw_legend(Canvas& canvas, const std::vector<LegendEntry>& legend, double top) {
  constexpr double kRow = 19, kMark = 24, kGap = 18;
  double x = kEdge, y = top + 12;
  for (const LegendEntry& entry : legend) {
    const std::string name = fit_text(entry.name, kTickSize, canvas.width() - 2 * kEdge - kMark);
    const double width = kMark + text_width(name, kTickSize);
    if (x > kEdge && x + width > canvas.width() - kEdge) x = kEdge, y += kRow;
    draw_legend_mark(canvas, entry, x, y - 4);
    canvas.text(x + kMark, y, name, {.paint = muted_paint(), .size = kTickSize});
    x += width + kGap;
  }
  return legend.empty() ? top : y + 8;
}

void draw_x_axis(Canvas& canvas, const Frame& frame) {
  double free_from = 0;  // labels that would touch their left neighbour are left out
  for (const Tick& tick : frame.x.ticks) {
    const double x = frame.place(tick.value, frame.y.low).x;
    canvas.line(x, frame.area.bottom, x, frame.area.bottom + 4, {.paint = muted_paint(), .width = 1});
    const double half = text_width(tick.label, kTickSize) / 2;
    if (x - half < free_from) continue;
    const double shown = std::min(x, canvas.width() - half - 2);
    canvas.text(shown, frame.area.bottom + 18, tick.label,
                {.paint = muted_paint(), .size = kTickSize, .anchor = Anchor::Middle});
    free_from = x + half + 4;
  }
  canvas.line(frame.area.left, frame.area.bottom, frame.area.right, frame.area.bottom,
              {.paint = muted_paint(), .width = 1});
  canvas.text((frame.area.left + frame.area.right) / 2, frame.area.bottom + 36, frame.x.label,
              {.paint = muted_paint(), .size = kTickSize, .anchor = Anchor::Middle});
}

void draw_y_axis(Canvas& canvas, const Frame& frame) {
  for (const Tick& tick : frame.y.ticks) {
    const double y = frame.place(frame.x.low, tick.value).y;
    canvas.line(frame.area.left, y, frame.area.right, y, {.paint = grid_paint(), .width = 1});
    canvas.text(frame.area.left - 8, y + 4, tick.label,
                {.paint = muted_paint(), .size = kTickSize, .anchor = Anchor::End});
  }
}

}  // namespace

Canvas plot_canvas(const PlotOptions& options) {
  base::OptionCheck(base::code::kUnfittingPlot, "plot")
      .number("width", options.width, base::Bounds::above(0))
      .number("height", options.height, base::Bounds::above(0));
  return Canvas(std::clamp(options.width, 200.0, 4000.0), std::clamp(options.height, 140.0, 4000.0),
                options.title.empty() ? "plot" : options.title);
}

double draw_heading(Canvas& canvas, const std::string& title, const std::string& subtitle,
                    const std::vector<LegendEntry>& legend) {
  const double width = canvas.width() - 2 * kEdge;
  double y = kEdge - 4;
  if (!title.empty()) {
    y += 17;
    canvas.text(kEdge, y, fit_text(title, kTitleSize, width), {.paint = ink_paint(), .size = kTitleSize, .bold = true});
    y += 4;
  }
  if (!subtitle.empty()) {
    y += 14;
    canvas.text(kEdge, y, fit_text(subtitle, kTickSize, width), {.paint = muted_paint(), .size = kTickSize});
    y += 4;
  }
  return draw_legend(canvas, legend, y + 6);
}

void draw_note(Canvas& canvas, const std::string& note) {
  if (note.empty()) return;
  canvas.text(canvas.width() - kEdge, canvas.height() - 6, note,
              {.paint = muted_paint(), .size = 10.5, .anchor = Anchor::End});
}

void draw_no_data(Canvas& canvas, const Box& area) {
  canvas.text((area.left + area.right) / 2, (area.top + area.bottom) / 2, "no data",
              {.paint = muted_paint(), .size = 14, .anchor = Anchor::Middle});
}

Frame draw_frame(Canvas& canvas, const PlotOptions& options, const std::vector<LegendEntry>& legend, Extent x_data,
                 Extent y_data, FrameMargins margins) {
  Frame frame;
  frame.area.top = draw_heading(canvas, options.title, options.subtitle, legend) + 6;
  frame.area.right = canvas.width() - kEdge - 4;
  frame.area.bottom = canvas.height() - (options.x.label.empty() && options.x.unit.empty() ? 30 : 50);
  const double height = frame.area.bottom - frame.area.top;
  frame.y = settle_axis(options.y, y_data, margins.y, std::max(2, static_cast<int>(height / kPixelsPerTickY)));
  if (!frame.y.label.empty()) {
    canvas.text(kEdge, frame.area.top + 8, frame.y.label, {.paint = muted_paint(), .size = kTickSize});
    frame.area.top += 22;
  }
  double label_width = 0;
  for (const Tick& tick : frame.y.ticks) label_width = std::max(label_width, text_width(tick.label, kTickSize));
  frame.area.left = std::min(kEdge + label_width + 8, canvas.width() / 2);
  frame.area.bottom = std::max(frame.area.bottom, frame.area.top + 20);
  frame.x =
      settle_axis(options.x, x_data, margins.x, std::max(2, static_cast<int>(frame.area.width() / kPixelsPerTickX)));
  draw_y_axis(canvas, frame);
  draw_x_axis(canvas, frame);
  return frame;
}

}  // namespace strata::report
