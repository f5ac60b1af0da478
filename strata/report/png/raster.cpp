#include "strata/report/png/raster.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "strata/report/markup/escape.h"
#include "strata/report/png/bitmap_font.h"

namespace strata::report {
namespace {

Rgb8 colour_of(const std::string& hex) {
  const long value = std::strtol(hex.c_str() + 1, nullptr, 16);
  return {static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8 & 255),
          static_cast<std::uint8_t>(value & 255)};
}

/// What the built-in font lacks becomes what it has.
std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = std::max<std::size_t>(1, utf8_sequence_bytes(text));
    const std::string_view sequence = text.substr(0, bytes);
    if (sequence == "\xE2\x80\xA6")
      out += "...";
    else if (sequence == "\xC3\x97")
      out += "x";
    else
      out += sequence;
    text.remove_prefix(bytes);
  }
  return out;
}

double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
  const double along = squared == 0 ? 0 : std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / squared, 0.0, 1.0);
  return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

/// Below 0 within a rectangle with round corners.
double distance_to_box(Point p, Point low, Point high, double radius) {
  const double r = std::min({radius, (high.x - low.x) / 2, (high.y - low.y) / 2});
  const double dx = std::max({low.x + r - p.x, p.x - high.x + r}), dy = std::max({low.y + r - p.y, p.y - high.y + r});
  return std::hypot(std::max(dx, 0.0), std::max(dy, 0.0)) + std::min(std::max(dx, dy), 0.0) - r;
}

class Painter {
 public:
  Painter(const Canvas& canvas, int scale, Lighting lighting)
      : scale_(scale),
        lighting_(lighting),
        image_(Image::filled(static_cast<int>(std::ceil(canvas.width() * scale)),
                             static_cast<int>(std::ceil(canvas.height() * scale)), {})) {
    clips_.push_back({{0, 0}, {static_cast<double>(image_.width), static_cast<double>(image_.height)}});
  }

  void draw(const Shape& shape) {
    switch (shape.kind) {
      case Shape::Kind::Rect:
        return fill(grown(shape.points[0], shape.points[1], 1), shape.stroke, [&](Point p) {
          return -distance_to_box(p, scaled(shape.points[0]), scaled(shape.points[1]), shape.radius * scale_);
        });
      case Shape::Kind::Circle:
        return fill(grown(shape.points[0], shape.points[0], shape.radius + 1), shape.stroke, [&](Point p) {
          const Point centre = scaled(shape.points[0]);
          return shape.radius * scale_ - std::hypot(p.x - centre.x, p.y - centre.y);
        });
      case Shape::Kind::Line:
        return draw_line(shape);
      case Shape::Kind::Text:
        return draw_text(shape);
      case Shape::Kind::BeginClip:
        return clips_.push_back({scaled(shape.points[0]), scaled(shape.points[1])});
      case Shape::Kind::EndClip:
        return clips_.pop_back();
    }
  }

  Image take() { return std::move(image_); }

 private:
  struct Area {
    Point low, high;
  };

  Point scaled(Point p) const { return {p.x * scale_, p.y * scale_}; }
  Rgb8 colour(const Paint& paint) const { return colour_of(lighting_ == Lighting::Dark ? paint.dark : paint.light); }
  Area grown(Point a, Point b, double by) const {
    return {scaled({std::min(a.x, b.x) - by, std::min(a.y, b.y) - by}),
            scaled({std::max(a.x, b.x) + by, std::max(a.y, b.y) + by})};
  }

  /// `depth`: pixels from a pixel's middle to the edge, above 0 inside.
  template <class Depth>
  void fill(Area area, const Stroke& stroke, Depth&& depth) {
    const Rgb8 ink = colour(stroke.paint);
    for (const Area& clip : clips_)
      area = {{std::max(area.low.x, clip.low.x), std::max(area.low.y, clip.low.y)},
              {std::min(area.high.x, clip.high.x), std::min(area.high.y, clip.high.y)}};
    for (int y = static_cast<int>(area.low.y); y < area.high.y && y < image_.height; ++y)
      for (int x = static_cast<int>(area.low.x); x < area.high.x && x < image_.width; ++x) {
        const double part = std::clamp(depth(Point{x + 0.5, y + 0.5}) + 0.5, 0.0, 1.0) * stroke.opacity;
        if (part > 0) blend(x, y, ink, part);
      }
  }

  void blend(int x, int y, Rgb8 ink, double part) {
    std::uint8_t* pixel = image_.pixels.data() + (static_cast<std::size_t>(y) * image_.width + x) * 3;
    const std::uint8_t inks[] = {ink.r, ink.g, ink.b};
    for (int c = 0; c < 3; ++c)
      pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + part * (inks[c] - pixel[c])));
  }

  void draw_segment(Point a, Point b, const Stroke& stroke) {
    fill(grown(a, b, stroke.width), stroke, [&](Point p) {
      return std::max(stroke.width * scale_, 1.0) / 2 - distance_to_segment(p, scaled(a), scaled(b));
    });
  }

  /// "5 4": so long drawn, so long not.
  void draw_line(const Shape& shape) {
    double drawn = 0, left_out = 0;
    if (!shape.dashes.empty()) {
      char* end = nullptr;
      drawn = std::strtod(shape.dashes.c_str(), &end);
      left_out = std::strtod(end, nullptr);
    }
    double at = 0;  // of the pattern
    for (std::size_t i = 0; i + 1 < shape.points.size(); ++i) {
      const Point a = shape.points[i], b = shape.points[i + 1];
      const double length = std::hypot(b.x - a.x, b.y - a.y);
      if (drawn <= 0 || length == 0) {
        draw_segment(a, b, shape.stroke);
        continue;
      }
      const auto point = [&](double d) {
        return Point{a.x + (b.x - a.x) * d / length, a.y + (b.y - a.y) * d / length};
      };
      for (double d = -at; d < length; d += drawn + left_out)
        if (d + drawn > 0) draw_segment(point(std::max(d, 0.0)), point(std::min(d + drawn, length)), shape.stroke);
      at = std::fmod(at + length, drawn + left_out);
    }
  }

  void draw_text(const Shape& shape) {
    const TextStyle& style = shape.style;
    const std::string text = printable(shape.text);
    const int size = std::max(1, static_cast<int>(std::lround(style.size * scale_ / 12)));
    const int width = bitmap_text_width(text, size);
    const Point at = scaled(shape.points[0]);
    const double part = style.anchor == Anchor::Start ? 0 : style.anchor == Anchor::Middle ? 0.5 : 1;
    const int x = static_cast<int>(std::lround(at.x - part * width));
    const int y = static_cast<int>(std::lround(at.y)) - 7 * size;  // the rows above the baseline
    for (int shift = 0; shift <= (style.bold ? 1 : 0); ++shift)
      draw_bitmap_text(image_, x + shift, y, text, colour(style.paint), size);
  }

  int scale_;
  Lighting lighting_;
  Image image_;
  std::vector<Area> clips_;
};

}  // namespace

Image raster(const Canvas& canvas, int scale, Lighting lighting) {
  Painter painter(canvas, std::clamp(scale, 1, 4), lighting);
  for (const Shape& shape : canvas.shapes()) painter.draw(shape);
  return painter.take();
}

}  // namespace strata::report
