// Places for labels beside points: none touches another, a point or the border, and lines where it can be helped.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "strata/report/svg/canvas.h"
#include "strata/report/svg/frame.h"

namespace strata::report {

class LabelPlaces {
 public:
  explicit LabelPlaces(Box area) : area_(area) {}

  /// Nothing may be put there any more.
  void occupy(Box box) { taken_.push_back(box); }
  void occupy_circle(Point centre, double radius);
  /// A label comes to lie on a line only where there is no other place.
  void avoid_line(Point from, Point to) { lines_.emplace_back(from, to); }

  /// The place of a label of this size beside a point, the nearest that is free, which is occupied then; nothing where
  /// none is.
  std::optional<Box> place(Point point, double radius, double width, double height);
  enum class Lines { Avoid, Cross };
  /// The box itself, if it is free.
  bool take(Box box, Lines lines);

 private:
  bool is_free(const Box& box, Lines lines) const;

  Box area_;
  std::vector<Box> taken_;
  std::vector<std::pair<Point, Point>> lines_;
};

}  // namespace strata::report
