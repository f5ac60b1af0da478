// A vector drawing that is written as it is drawn, top-left origin, units of one CSS pixel.
//
//   Canvas canvas(320, 200, "loss over steps");
//   canvas.line(10, 10, 310, 10, stroke(grid_paint(), 1));
//   canvas.text(10, 30, "loss", {.paint = muted_paint(), .size = 12});
//   Svg picture = canvas.finish();
//
// Text is escaped here. The same calls give the same bytes: no ids, no clock, no hashing. Ids are avoided because
// several drawings stand inline in one page; clipping is a nested <svg>, which clips by definition.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "strata/report/svg/palette.h"

namespace strata::report {

/// A finished drawing. A type of its own, so that a page never takes unescaped text for markup.
struct Svg {
  std::string markup;
};

struct Point {
  double x = 0, y = 0;
};

struct Stroke {
  Paint paint;
  double width = 1;
  double opacity = 1;
  std::string_view dashes = {};  ///< "4 3"; empty is a full line
};

enum class Anchor { Start, Middle, End };

struct TextStyle {
  Paint paint;
  double size = 12;
  Anchor anchor = Anchor::Start;
  bool bold = false;
  double rotate_degrees = 0;
};

/// One thing that was drawn, for those who make a picture of pixels of it (png/raster.h).
struct Shape {
  enum class Kind { Rect, Line, Circle, Text, BeginClip, EndClip } kind = Kind::Rect;
  std::vector<Point> points;  ///< a rectangle's corners, a line's points, a centre, a text's start
  Stroke stroke;              ///< of lines; elsewhere its paint and opacity count
  double radius = 0;          ///< of circles and of a rectangle's corners
  std::string text;
  TextStyle style;
  std::string dashes;  ///< of a line
};

class Canvas {
 public:
  /// `description` is what a screen reader says.
  Canvas(double width, double height, std::string_view description);

  void rect(double x, double y, double width, double height, const Paint& fill, double radius = 0,
            std::string_view tooltip = {});
  void line(double x1, double y1, double x2, double y2, const Stroke& stroke);
  void polyline(const std::vector<Point>& points, const Stroke& stroke);
  void circle(Point centre, double radius, const Paint& fill, double opacity = 1, std::string_view tooltip = {});
  /// A circle filled with the background and drawn with a coloured rim.
  void ring(Point centre, double radius, const Paint& rim, double rim_width);
  /// The baseline of the text starts (or has its middle or end) at x, y.
  void text(double x, double y, std::string_view text, const TextStyle& style);

  /// What is drawn until end_clip() is cut at this box; coordinates stay those of the whole canvas.
  void begin_clip(double x, double y, double width, double height);
  void end_clip();

  double width() const { return width_; }
  double height() const { return height_; }
  /// In the order in which they were drawn, the background first.
  const std::vector<Shape>& shapes() const { return shapes_; }
  Svg finish();

 private:
  std::string fill(const Paint& paint);
  std::string stroke(const Stroke& stroke);
  std::string style_sheet() const;

  double width_, height_;
  std::string description_, body_;
  std::vector<Shape> shapes_;
  std::map<std::string, Paint> fills_, strokes_;  // the paints used, in the order of their names
};

/// Width of `text` in pixels in a usual sans-serif of this size: an estimate on the wide side, for layout.
double text_width(std::string_view text, double size);

/// `text`, cut with an ellipsis if it would be wider than `width` pixels.
std::string fit_text(std::string_view text, double size, double width);

}  // namespace strata::report
