#include "strata/base/config/bounds.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/error.h"

namespace strata::base {
namespace {

/// Bounds are doubles but mostly whole: 100000000, not 1e+08.
std::string bound_text(double bound) {
  const bool is_whole = std::fabs(bound) < 1e15 && bound == std::trunc(bound);
  return is_whole ? fmt::format("{:.0f}", bound) : fmt::format("{:g}", bound);
}

}  // namespace

bool Bounds::contain(double value) const {
  if (!std::isfinite(value)) return false;
  return (excludes_low ? value > low : value >= low) && (excludes_high ? value < high : value <= high);
}

std::string Bounds::text() const {
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (has_low && has_high && !excludes_low && !excludes_high)
    return fmt::format(" from {} to {}", bound_text(low), bound_text(high));
  std::string text;
  if (has_low) text += (excludes_low ? " above " : " of at least ") + bound_text(low);
  if (has_high)
    text += (has_low ? "," : "") + std::string(excludes_high ? " below " : " of at most ") + bound_text(high);
  return text;
}

void OptionCheck::refuse(std::string_view field, std::string_view value, std::string_view expected) const {
  throw Error(code_, fmt::format("{}: {} is {}, expected {}", owner_, field, value, expected));
}

const OptionCheck& OptionCheck::refuse(std::string_view field, double value, const Bounds& bounds) const {
  // "at least 0" holds for infinity, too: then it is the word finite that explains.
  refuse(field, fmt::format("{}", value), (std::isinf(value) ? "a finite number" : "a number") + bounds.text());
}

const OptionCheck& OptionCheck::refuse_integer(std::string_view field, int64_t value, const Bounds& bounds) const {
  refuse(field, std::to_string(value), "an integer" + bounds.text());
}

}  // namespace strata::base
