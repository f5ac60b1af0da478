#include "strata/base/terminal/format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace strata::base {
namespace {

struct Scaled {
  double value;
  std::string_view prefix;
};

/// The value with the prefix that leaves 1 to 999 before the point. 999.7 rounds to three digits as 1000, so it counts
/// as 1 k.
Scaled scale(double value) {
  constexpr std::array<std::string_view, 6> kPrefixes = {"", "k", "M", "G", "T", "P"};
  size_t step = 0;
  while (std::fabs(value) >= 999.5 && step + 1 < kPrefixes.size()) {
    value /= 1000;
    ++step;
  }
  return {value, kPrefixes[step]};
}

/// Two digits at least, no fraction that says nothing: 2.8, 33, 124, 3.
std::string digits(double value) {
  if (std::fabs(value) >= 9.95) return fmt::format("{:.0f}", value);
  std::string text = fmt::format("{:.1f}", value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

}  // namespace

std::string count_text(double count) {
  if (!std::isfinite(count)) return "?";
  const Scaled scaled = scale(count);
  return digits(scaled.value) + (scaled.prefix.empty() ? "" : " ") + std::string(scaled.prefix);
}

std::string bytes_text(double bytes) {
  if (!std::isfinite(bytes)) return "?";
  const Scaled scaled = scale(bytes);
  return fmt::format("{} {}B", digits(scaled.value), scaled.prefix);
}

std::string clock_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  const int64_t days = whole / 86400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;
  if (days > 0) return fmt::format("{} d {}:{:02}", days, hours, minutes);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds >= 59.5) return clock_text(seconds);
  if (seconds >= 0.9995) return digits(seconds) + " s";
  if (seconds >= 0.9995e-3) return digits(seconds * 1e3) + " ms";
  if (seconds >= 0.9995e-6) return digits(seconds * 1e6) + " us";
  return digits(seconds * 1e9) + " ns";
}

std::string rate_text(double per_second, std::string_view unit) {
  const std::string count = count_text(per_second);
  return fmt::format("{} {}/s", count, unit);
}

}  // namespace strata::base
