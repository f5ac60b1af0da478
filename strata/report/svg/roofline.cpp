#include "strata/report/svg/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/report/svg/frame.h"
#include "strata/report/svg/label_places.h"

namespace strata::report {
namespace {

constexpr double kLabelSize = 11.5, kLabelHeight = 14;

double radius_of(const RooflinePoint& point) { return 3.5 + 9 * std::sqrt(std::clamp(point.weight, 0.0, 1.0)); }

bool is_drawable(const RooflinePoint& p) {
  return drawable(p.operations_per_byte, Scale::Log) && drawable(p.operations_per_second, Scale::Log);
}

std::string rate_text(double rate, const char* unit) {
  return fmt::format("{:.{}f} {}", rate / 1e9, rate < 1e10 ? 1 : 0, unit);
}

double highest_of(const std::vector<Roof>& roofs, bool dashed_too = true) {
  double highest = 0;
  for (const Roof& r : roofs)
    if (dashed_too || !r.is_dashed) highest = std::max(highest, r.rate);
  return highest;
}

class RooflineDrawing {
 public:
  RooflineDrawing(const Roofline& roofline, double width, double height)
      : roofline_(roofline),
        options_{.title = roofline.title,
                 .subtitle = roofline.subtitle,
                 .x = {.label = "operations per byte", .scale = Scale::Log},
                 .y = {.label = "G operations / s", .scale = Scale::Log},
                 .width = std::max(width, 480.0),
                 .height = std::max(height, 320.0)},
        canvas_(plot_canvas(options_)) {}

  Canvas draw() {
    settle_extents();
    frame_ = draw_frame(canvas_, options_, legend(), x_, y_, {.x = 0.02, .y = 0.03});
    LabelPlaces places(frame_.area);
    canvas_.begin_clip(frame_.area.left, frame_.area.top, frame_.area.width(), frame_.area.height());
    draw_roofs(places);
    draw_stems();
    for (const RooflinePoint& p : roofline_.points)
      if (is_drawable(p))
        canvas_.circle(place(p), radius_of(p), series_paint(p.series), 0.8,
                       p.detail.empty() ? p.label : p.label + ": " + p.detail);
    canvas_.end_clip();
    for (const RooflinePoint& p : roofline_.points)
      if (is_drawable(p)) places.occupy_circle(place(p), radius_of(p));
    label_roofs(places);
    label_points(places);
    if (drawn_ == 0) draw_note(canvas_, "no points");
    return std::move(canvas_);
  }

 private:
  Point place(const RooflinePoint& p) const {
    return frame_.place(p.operations_per_byte, p.operations_per_second / 1e9);
  }

  /// All points, the ridges of the solid roofs, and some room to the right of them.
  void settle_extents() {
    const double peak = highest_of(roofline_.arithmetic), slowest = slowest_memory();
    if (peak > 0 && slowest > 0) {
      x_.add(peak / slowest * 8);
      x_.add(peak / highest_of(roofline_.memory) / 8);
      y_.add(peak / 1e9 * 1.6);
      y_.add(peak / 1e9 / 500);
    }
    for (const RooflinePoint& p : roofline_.points) {
      if (!is_drawable(p)) continue;
      ++drawn_;
      x_.add(p.operations_per_byte);
      y_.add(p.operations_per_second / 1e9);
    }
  }

  double slowest_memory() const {
    double slowest = 0;
    for (const Roof& r : roofline_.memory)
      if (!r.is_dashed && (slowest == 0 || r.rate < slowest)) slowest = r.rate;
    return slowest;
  }

  std::vector<LegendEntry> legend() const {
    std::vector<LegendEntry> entries;
    for (std::size_t i = 0; i < roofline_.series.size(); ++i)
      if (std::ranges::any_of(roofline_.points, [&](const RooflinePoint& p) { return p.series == i; }))
        entries.push_back({roofline_.series[i], Mark::Points, series_paint(i)});
    const auto add_roof = [&](const std::vector<Roof>& roofs) {
      for (const Roof& r : roofs)
        if (r.is_dashed) return entries.push_back({"one thread", Mark::DashedLine, muted_paint()});
    };
    if (!roofline_.arithmetic.empty()) entries.push_back({"roofs", Mark::Line, muted_paint()});
    add_roof(roofline_.arithmetic);
    return entries;
  }

  static Stroke stroke(const Roof& roof) {
    return {.paint = muted_paint(),
            .width = roof.is_dashed ? 1.2 : 1.8,
            .opacity = roof.is_dashed ? 0.7 : 0.9,
            .dashes = roof.is_dashed ? "5 4" : ""};
  }

  void draw_roofs(LabelPlaces& places) {
    const auto draw = [&](Point a, Point b, const Roof& roof) {
      canvas_.line(a.x, a.y, b.x, b.y, stroke(roof));
      places.avoid_line(a, b);
    };
    for (const Roof& roof : roofline_.arithmetic) {
      const double widest = highest_of(roofline_.memory);
      const double from = roof.rate / std::max(widest, 1.0);
      draw(frame_.place(std::max(from, frame_.x.low), roof.rate / 1e9), frame_.place(frame_.x.high, roof.rate / 1e9),
           roof);
    }
    for (const Roof& roof : roofline_.memory) {
      const double ridge = end_of(roof) / roof.rate;
      draw(frame_.place(frame_.x.low, roof.rate * frame_.x.low / 1e9), frame_.place(ridge, end_of(roof) / 1e9), roof);
    }
  }

  /// The arithmetic that a level of memory leads up to: dashed to dashed.
  double end_of(const Roof& memory) const {
    double end = 0;
    for (const Roof& r : roofline_.arithmetic)
      if (r.is_dashed == memory.is_dashed) end = std::max(end, r.rate);
    return end > 0 ? end : highest_of(roofline_.arithmetic);
  }

  /// Points of the same intensity and label are one workload of several contestants: a thin line joins them.
  void draw_stems() {
    for (std::size_t i = 0; i < roofline_.points.size(); ++i)
      for (std::size_t k = i + 1; k < roofline_.points.size(); ++k) {
        const RooflinePoint &a = roofline_.points[i], &b = roofline_.points[k];
        if (a.label != b.label || a.series == b.series || !is_drawable(a) || !is_drawable(b)) continue;
        canvas_.line(place(a).x, place(a).y, place(b).x, place(b).y,
                     {.paint = muted_paint(), .width = 1, .opacity = 0.5});
        break;
      }
  }

  /// On a plate, so that it can be read where it has to lie on a line.
  void label(const Box& box, const std::string& text, const Paint& paint) {
    canvas_.rect(box.left - 1, box.top + 1, box.right - box.left + 2, box.bottom - box.top - 2, surface_paint(), 2);
    canvas_.text(box.left, box.bottom - 3, text, {.paint = paint, .size = kLabelSize});
  }

  /// Beside their lines: slopes where they enter, arithmetic at the right end.
  void label_roofs(LabelPlaces& places) {
    for (const Roof& roof : roofline_.arithmetic) {
      const std::string text = roof.name + ", " + rate_text(roof.rate, "GF/s");
      const double width = text_width(text, kLabelSize);
      const Point end = frame_.place(frame_.x.high, roof.rate / 1e9);
      std::vector<Box> wanted;
      for (double left = end.x - width - 4; left > frame_.area.left; left -= 20)
        wanted.push_back({left, end.y - kLabelHeight - 2, left + width, end.y - 2});
      label_first_free(places, wanted, text);
    }
    for (const Roof& roof : roofline_.memory) {
      if (roof.is_dashed) continue;
      const std::string text = roof.name + ", " + rate_text(roof.rate, "GB/s");
      const double width = text_width(text, kLabelSize);
      const double low = std::max(frame_.x.low, frame_.y.low * 1e9 / roof.rate);
      const Point enters = frame_.place(low, roof.rate * low / 1e9);
      const Point ends = frame_.place(end_of(roof) / roof.rate, end_of(roof) / 1e9);
      std::vector<Box> wanted;  // above the line, to the left of it, or below, to the right
      for (double part = 0.04; part < 0.9; part += 0.04) {
        const Point at{enters.x + part * (ends.x - enters.x), enters.y + part * (ends.y - enters.y)};
        wanted.push_back({at.x - 8 - width, at.y - kLabelHeight, at.x - 8, at.y});
        wanted.push_back({at.x + 8, at.y, at.x + 8 + width, at.y + kLabelHeight});
      }
      label_first_free(places, wanted, text);
    }
  }

  void label_first_free(LabelPlaces& places, const std::vector<Box>& wanted, const std::string& text) {
    for (const auto lines : {LabelPlaces::Lines::Avoid, LabelPlaces::Lines::Cross})
      for (const Box& box : wanted)
        if (places.take(box, lines)) return label(box, text, muted_paint());
  }

  void label_points(LabelPlaces& places) {
    std::vector<const RooflinePoint*> order;
    for (const RooflinePoint& p : roofline_.points)
      if (is_drawable(p)) order.push_back(&p);
    std::ranges::stable_sort(order, std::greater<>(), &RooflinePoint::weight);
    std::vector<std::string> labelled;
    int left_out = 0;
    for (const RooflinePoint* p : order) {
      if (p->label.empty() || std::ranges::find(labelled, p->label) != labelled.end()) continue;
      const std::string text = fit_text(p->label, kLabelSize, 190);
      const Point at = place(*p);
      const auto box = places.place(at, radius_of(*p), text_width(text, kLabelSize), kLabelHeight);
      if (!box) {
        ++left_out;
        continue;
      }
      labelled.push_back(p->label);
      draw_leader(at, radius_of(*p), *box);
      label(*box, text, ink_paint());
    }
    const int without_place = static_cast<int>(roofline_.points.size()) - drawn_;
    std::string note;
    if (left_out > 0) note = fmt::format("{} labels left out", left_out);
    if (without_place > 0)
      note += fmt::format("{}{} without operations not drawn", note.empty() ? "" : ", ", without_place);
    draw_note(canvas_, note);
  }

  /// From the point to a label that stands off.
  void draw_leader(Point at, double radius, const Box& box) {
    const Point near{std::clamp(at.x, box.left, box.right), std::clamp(at.y, box.top, box.bottom)};
    const double distance = std::hypot(near.x - at.x, near.y - at.y);
    if (distance < radius + 8) return;
    const double part = radius / distance;
    canvas_.line(at.x + part * (near.x - at.x), at.y + part * (near.y - at.y), near.x, near.y,
                 {.paint = muted_paint(), .width = 0.8, .opacity = 0.7});
  }

  const Roofline& roofline_;
  PlotOptions options_;
  Canvas canvas_;
  Frame frame_;
  Extent x_, y_;
  int drawn_ = 0;
};

}  // namespace

Canvas draw_roofline(const Roofline& roofline, double width, double height) {
  return RooflineDrawing(roofline, width, height).draw();
}

}  // namespace strata::report
