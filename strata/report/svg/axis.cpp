#include "strata/report/svg/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"

namespace strata::report {
namespace {

constexpr double kLargest = 1e300;
constexpr double kSmallestSpan = 1e-290;

/// A unit as it is shown: values are divided by `divisor`.
struct ShownUnit {
  double divisor = 1;
  std::string name;
};

ShownUnit shown_time(double largest) {
  if (largest >= 3 * 3600) return {3600, "h"};
  if (largest >= 180) return {60, "min"};
  if (largest >= 0.5) return {1, "s"};
  if (largest >= 0.5e-3) return {1e-3, "ms"};
  return largest >= 0.5e-6 ? ShownUnit{1e-6, "\xC2\xB5s"} : ShownUnit{1e-9, "ns"};
}

ShownUnit shown_unit(const std::string& unit, double largest) {
  if (unit.empty() || unit == "%") return {1, unit};
  if (unit == "s") return shown_time(largest);
  const bool bytes = unit == "B";
  const double base = bytes ? 1024 : 1000;
  constexpr std::array<std::string_view, 5> kDecimal = {"", "k ", "M ", "G ", "T "};
  constexpr std::array<std::string_view, 5> kBinary = {"", "Ki", "Mi", "Gi", "Ti"};
  std::size_t power = 0;
  double divisor = 1;
  while (power + 1 < kDecimal.size() && largest >= 2 * base * divisor) {
    divisor *= base;
    ++power;
  }
  return {divisor, std::string(bytes ? kBinary[power] : kDecimal[power]) + unit};
}

std::string trimmed(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `rough`.
double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

/// All labels of one axis share suffix and decimals, so that they line up and their distance can be read.
std::string linear_label(double value, double step, double largest) {
  if (std::abs(value) < step * 1e-6) return "0";
  if (largest >= 1e15 || largest < 1e-3) {
    const int exponent = static_cast<int>(std::floor(std::log10(largest) + 1e-9));
    return trimmed(fmt::format("{:.3f}", value / std::pow(10.0, exponent))) + fmt::format("e{}", exponent);
  }
  double divisor = 1;
  std::string_view suffix = "";
  for (const auto& [from, name] :
       {std::pair{1e4, "k"}, std::pair{2e6, "M"}, std::pair{2e9, "G"}, std::pair{2e12, "T"}}) {
    if (largest < from) break;
    divisor = name[0] == 'k' ? 1e3 : from / 2;
    suffix = name;
  }
  const double shown_step = step / divisor;
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(shown_step) - 1e-9)), 0, 12);
  const bool quarter =
      std::abs(shown_step * std::pow(10.0, decimals) - std::round(shown_step * std::pow(10.0, decimals))) > 1e-6;
  return fmt::format("{:.{}f}{}", value / divisor, decimals + (quarter ? 1 : 0), suffix);
}

std::vector<Tick> linear_ticks(double low, double high, double divisor, int count) {
  const double shown_low = low / divisor, shown_high = high / divisor;
  const double step = round_step((shown_high - shown_low) / std::max(count, 1));
  const double largest = std::max(std::abs(shown_low), std::abs(shown_high));
  std::vector<Tick> ticks;
  const double first = std::ceil(shown_low / step - 1e-9);
  for (int i = 0; i < 4 * std::max(count, 1) && (first + i) * step <= shown_high + step * 1e-9; ++i) {
    const double value = (first + i) * step;
    ticks.push_back({value * divisor, linear_label(value, step, largest)});
  }
  return ticks;
}

std::string log_label(double value) {
  if (value >= 1e-3 && value < 1e13) return readable_number(value);
  const int exponent = static_cast<int>(std::floor(std::log10(value) + 1e-9));
  return trimmed(fmt::format("{:.1f}", value / std::pow(10.0, exponent))) + fmt::format("e{}", exponent);
}

/// Decades, thinned out when there are many, with 2 and 5 between them when there are few.
std::vector<Tick> log_ticks(double low, double high, double divisor, int count) {
  const double decades = std::log10(high) - std::log10(low);
  if (decades < 0.7) return linear_ticks(low, high, divisor, count);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / (count + 1))));
  const int first = static_cast<int>(std::floor(std::log10(low / divisor)));
  std::vector<Tick> ticks;
  for (int exponent = first; exponent <= first + decades + 2; ++exponent) {
    if (stride > 1 && ((exponent % stride) + stride) % stride != 0) continue;
    for (const int digit : {1, 2, 5}) {
      if (digit != 1 && decades > count / 2.0) continue;
      const double value = digit * std::pow(10.0, exponent) * divisor;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push_back({value, log_label(value / divisor)});
    }
  }
  return ticks;
}

/// A span that has a width in floating point, with `margin` added where the axis leaves the end free.
void settle_linear(const Axis& axis, Extent data, double margin, AxisView& view) {
  view.low = axis.low.value_or(data.low), view.high = axis.high.value_or(data.high);
  const double size = std::max(std::abs(view.low), std::abs(view.high));
  if (!(view.high - view.low > std::max(size * 1e-10, kSmallestSpan))) {
    const double half = size > kSmallestSpan ? std::max(size * 0.1, kSmallestSpan) : 0.5;
    const double centre = axis.low.value_or(view.high);
    view.low = centre - (axis.low && !axis.high ? 0 : half);
    view.high = centre + half;
    return;
  }
  const double span = view.high - view.low;
  if (!axis.low) view.low -= span * margin;
  if (!axis.high) view.high += span * margin;
}

void settle_log(const Axis& axis, Extent data, double margin, AxisView& view) {
  view.low = std::max(axis.low.value_or(data.low), 1e-290), view.high = std::min(axis.high.value_or(data.high), 1e290);
  if (!(view.high > view.low * (1 + 1e-9))) {
    view.low = std::max(view.low / 2, 1e-295);
    view.high = std::max(view.high, view.low * 2) * 2;
    return;
  }
  const double factor = std::pow(view.high / view.low, margin);
  if (!axis.low) view.low /= factor;
  if (!axis.high) view.high *= factor;
}

}  // namespace

void Extent::add(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

bool drawable(double value, Scale scale) {
  return std::isfinite(value) && std::abs(value) <= kLargest && (scale == Scale::Linear || value > 0);
}

double AxisView::position(double value) const {
  if (scale == Scale::Linear) return (value - low) / (high - low);
  return std::log10(value / low) / std::log10(high / low);
}

AxisView settle_axis(const Axis& axis, Extent data, double margin, int ticks) {
  const std::string owner = axis.label.empty() ? "axis" : "axis " + axis.label;
  const base::OptionCheck check(base::code::kUnfittingPlot, owner);
  if (axis.low) check.number("low", *axis.low, base::Bounds::finite());
  if (axis.high)
    check.number("high", *axis.high, axis.low ? base::Bounds::at_least(*axis.low) : base::Bounds::finite());
  if (data.empty()) data = axis.scale == Scale::Log ? Extent{0.1, 1} : Extent{0, 1};
  AxisView view;
  view.scale = axis.scale;
  axis.scale == Scale::Log ? settle_log(axis, data, margin, view) : settle_linear(axis, data, margin, view);
  const ShownUnit unit = shown_unit(axis.unit, std::max(std::abs(view.low), std::abs(view.high)));
  view.label = unit.name.empty() ? axis.label : axis.label.empty() ? unit.name : axis.label + " (" + unit.name + ")";
  view.ticks = axis.scale == Scale::Log ? log_ticks(view.low, view.high, unit.divisor, ticks)
                                        : linear_ticks(view.low, view.high, unit.divisor, ticks);
  return view;
}

std::string readable_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size < 1e-3 || size >= 1e15) return fmt::format("{:.3g}", value);
  if (size < 1e4)
    return trimmed(fmt::format("{:.{}f}", value, std::clamp(3 - static_cast<int>(std::floor(std::log10(size))), 0, 6)));
  constexpr std::string_view kSuffixes = "kMGT";
  double divisor = 1e3;
  std::size_t index = 0;
  while (index + 1 < kSuffixes.size() && size >= 1000 * divisor) divisor *= 1000, ++index;
  return fmt::format("{:.4g}{}", value / divisor, kSuffixes[index]);
}

}  // namespace strata::report
