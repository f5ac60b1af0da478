#include "strata/report/svg/label_places.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata::report {

void LabelPlaces::occupy_circle(Point centre, double radius) {
  occupy({centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius});
}

namespace {

/// Whether a line enters the box: it is cut by the box's sides one after the other (Liang and Barsky, 1984).
bool enters(const Box& box, Point a, Point b) {
  double first = 0, last = 1;
  const auto cut = [&](double direction, double distance) {
    if (direction == 0) return distance >= 0;
    const double at = distance / direction;
    (direction < 0 ? first : last) = direction < 0 ? std::max(first, at) : std::min(last, at);
    return first <= last;
  };
  const double dx = b.x - a.x, dy = b.y - a.y;
  return cut(-dx, a.x - box.left) && cut(dx, box.right - a.x) && cut(-dy, a.y - box.top) && cut(dy, box.bottom - a.y);
}

}  // namespace

bool LabelPlaces::is_free(const Box& box, Lines lines) const {
  if (box.left < area_.left || box.right > area_.right || box.top < area_.top || box.bottom > area_.bottom)
    return false;
  for (const Box& other : taken_)
    if (box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom)
      return false;
  if (lines == Lines::Cross) return true;
  return std::ranges::none_of(lines_, [&](const auto& line) { return enters(box, line.first, line.second); });
}

bool LabelPlaces::take(Box box, Lines lines) {
  if (!is_free(box, lines)) return false;
  occupy(box);
  return true;
}

std::optional<Box> LabelPlaces::place(Point point, double radius, double width, double height) {
  constexpr int kDirections = 16;
  constexpr double kGap = 3, kFarthest = 72, kStep = 9;
  for (const Lines lines : {Lines::Avoid, Lines::Cross})
    for (double distance = radius + kGap; distance < kFarthest; distance += kStep)
      for (int d = 0; d < kDirections; ++d) {
        // Right, left, then the others around; the box touches the circle of that distance.
        const int turn = d % 2 == 0 ? d / 2 : kDirections / 2 + d / 2;
        const double angle = 2 * std::numbers::pi * turn / kDirections;
        const double x = point.x + distance * std::cos(angle), y = point.y - distance * std::sin(angle);
        const double left = x - width * (1 - std::cos(angle)) / 2, top = y - height * (1 + std::sin(angle)) / 2;
        if (const Box box{left, top, left + width, top + height}; take(box, lines)) return box;
      }
  return std::nullopt;
}

}  // namespace strata::report
