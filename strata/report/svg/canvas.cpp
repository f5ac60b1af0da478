#include "strata/report/svg/canvas.h"

#include <fmt/format.h>

#include "strata/report/markup/escape.h"

namespace strata::report {
namespace {

constexpr std::string_view kFont = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

std::string_view anchor_attribute(Anchor anchor) {
  switch (anchor) {
    case Anchor::Middle:
      return " text-anchor=\"middle\"";
    case Anchor::End:
      return " text-anchor=\"end\"";
    case Anchor::Start:
      break;
  }
  return "";
}

std::string opacity_attribute(double opacity) {
  return opacity >= 1 ? "" : fmt::format(" opacity=\"{}\"", coordinate(opacity));
}

/// The end of an element, which a browser shows the tooltip of.
std::string end_with(std::string_view tooltip, std::string_view element) {
  return tooltip.empty() ? "/>" : fmt::format("><title>{}</title></{}>", escape_markup(tooltip), element);
}

Shape line_shape(std::vector<Point> points, const Stroke& style) {
  Shape shape{.kind = Shape::Kind::Line, .points = std::move(points), .stroke = style};
  shape.dashes = style.dashes;
  shape.stroke.dashes = {};  // it may not live as long
  return shape;
}

/// Advance in units of the font size, by class of character; wide on purpose, since a clipped label is worse than a
/// gap.
double advance(std::string_view sequence) {
  if (sequence.size() > 2) return 1.0;  // CJK, emoji, symbols
  constexpr std::string_view kNarrow = "iljtfI.,:;'|!()[] /-";
  constexpr std::string_view kWide = "mwMW@%";
  if (kNarrow.find(sequence) != std::string_view::npos) return 0.36;
  if (kWide.find(sequence) != std::string_view::npos) return 0.92;
  return sequence[0] >= 'A' && sequence[0] <= 'Z' ? 0.70 : 0.58;
}

}  // namespace

Canvas::Canvas(double width, double height, std::string_view description)
    : width_(width), height_(height), description_(escape_markup(description)) {
  rect(0, 0, width, height, surface_paint());
}

std::string Canvas::fill(const Paint& paint) {
  fills_.emplace(paint.name, paint);
  return fmt::format(" class=\"st-f-{}\" fill=\"{}\"", paint.name, paint.light);
}

std::string Canvas::stroke(const Stroke& stroke) {
  strokes_.emplace(stroke.paint.name, stroke.paint);
  std::string out = fmt::format(" class=\"st-s-{}\" stroke=\"{}\" stroke-width=\"{}\"", stroke.paint.name,
                                stroke.paint.light, coordinate(stroke.width));
  if (!stroke.dashes.empty()) out += fmt::format(" stroke-dasharray=\"{}\"", stroke.dashes);
  return out + opacity_attribute(stroke.opacity);
}

void Canvas::rect(double x, double y, double width, double height, const Paint& paint, double radius,
                  std::string_view tooltip) {
  shapes_.push_back({Shape::Kind::Rect, {{x, y}, {x + width, y + height}}, {.paint = paint}, radius});
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}", coordinate(x), coordinate(y),
                       coordinate(width), coordinate(height), fill(paint));
  if (radius > 0) body_ += fmt::format(" rx=\"{}\"", coordinate(radius));
  body_ += end_with(tooltip, "rect") + "\n";
}

void Canvas::line(double x1, double y1, double x2, double y2, const Stroke& style) {
  shapes_.push_back(line_shape({{x1, y1}, {x2, y2}}, style));
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}/>\n", coordinate(x1), coordinate(y1),
                       coordinate(x2), coordinate(y2), stroke(style));
}

void Canvas::polyline(const std::vector<Point>& points, const Stroke& style) {
  if (points.empty()) return;
  shapes_.push_back(line_shape(points, style));
  body_ += "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"" + stroke(style) + " points=\"";
  for (std::size_t i = 0; i < points.size(); ++i) {
    body_ += fmt::format("{}{},{}", i == 0 ? "" : " ", coordinate(points[i].x), coordinate(points[i].y));
  }
  body_ += "\"/>\n";
}

void Canvas::circle(Point centre, double radius, const Paint& paint, double opacity, std::string_view tooltip) {
  shapes_.push_back({Shape::Kind::Circle, {centre}, {.paint = paint, .opacity = opacity}, radius});
  body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}{}{}\n", coordinate(centre.x), coordinate(centre.y),
                       coordinate(radius), fill(paint), opacity_attribute(opacity), end_with(tooltip, "circle"));
}

void Canvas::ring(Point centre, double radius, const Paint& rim, double rim_width) {
  // An element has one class attribute, so the two paints are two circles.
  circle(centre, radius + rim_width / 2, rim);
  circle(centre, radius - rim_width / 2, surface_paint());
}

void Canvas::text(double x, double y, std::string_view text, const TextStyle& style) {
  shapes_.push_back({.kind = Shape::Kind::Text, .points = {{x, y}}, .text = std::string(text), .style = style});
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\"{}{}{}", coordinate(x), coordinate(y),
                       coordinate(style.size), style.bold ? " font-weight=\"600\"" : "", anchor_attribute(style.anchor),
                       fill(style.paint));
  if (style.rotate_degrees != 0) {
    body_ +=
        fmt::format(" transform=\"rotate({} {} {})\"", coordinate(style.rotate_degrees), coordinate(x), coordinate(y));
  }
  body_ += fmt::format(">{}</text>\n", escape_markup(text));
}

void Canvas::begin_clip(double x, double y, double width, double height) {
  shapes_.push_back({Shape::Kind::BeginClip, {{x, y}, {x + width, y + height}}});
  body_ += fmt::format("<svg x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\" viewBox=\"{0} {1} {2} {3}\">\n",
                       coordinate(x), coordinate(y), coordinate(width), coordinate(height));
}

void Canvas::end_clip() {
  shapes_.push_back({Shape::Kind::EndClip});
  body_ += "</svg>\n";
}

std::string Canvas::style_sheet() const {
  std::string rules;
  for (const auto& [name, paint] : fills_) rules += fmt::format(".st-f-{}{{fill:{}}}", name, paint.dark);
  for (const auto& [name, paint] : strokes_) rules += fmt::format(".st-s-{}{{stroke:{}}}", name, paint.dark);
  return "<style>@media (prefers-color-scheme:dark){" + rules + "}</style>\n";
}

Svg Canvas::finish() {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-label=\"{2}\" font-family=\"{3}\">\n",
      coordinate(width_), coordinate(height_), description_, kFont);
  return {out + style_sheet() + body_ + "</svg>\n"};
}

double text_width(std::string_view text, double size) {
  double width = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_bytes(text);
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    width += advance(sequence);
    text.remove_prefix(sequence.size());
  }
  return width * size;
}

std::string fit_text(std::string_view text, double size, double width) {
  if (text_width(text, size) <= width) return std::string(text);
  std::string kept;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_bytes(text);
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    if (text_width(kept, size) + text_width(sequence, size) + size > width) break;
    kept += sequence;
    text.remove_prefix(sequence.size());
  }
  return kept + "\xE2\x80\xA6";
}

}  // namespace strata::report
