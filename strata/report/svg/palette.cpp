#include "strata/report/svg/palette.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace strata::report {
namespace {

struct Rgb {
  double r, g, b;
};

constexpr std::array<std::array<const char*, 2>, 8> kSeries = {{
    {"#2f6fd0", "#74a9ff"},  // blue
    {"#d4690f", "#f7a452"},  // orange
    {"#12866f", "#43c9a8"},  // teal
    {"#b5317f", "#f07fbb"},  // magenta
    {"#6a4fc2", "#ab97ff"},  // violet
    {"#77750f", "#cdc65c"},  // olive
    {"#c4362c", "#ff8077"},  // red
    {"#5d6778", "#a3adbb"},  // slate
}};

Rgb mix(Rgb from, Rgb to, double part) {
  return {from.r + (to.r - from.r) * part, from.g + (to.g - from.g) * part, from.b + (to.b - from.b) * part};
}

std::string hex(Rgb c) {
  return fmt::format("#{:02x}{:02x}{:02x}", std::lround(c.r), std::lround(c.g), std::lround(c.b));
}

/// Relative luminance, 0 to 1 (WCAG 2.1; a plain power of 2.2 for the sRGB curve).
double luminance(Rgb c) {
  const auto linear = [](double level) { return std::pow(level / 255, 2.2); };
  return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
}

/// Whether white has more contrast on this colour than the near-black of the ink (luminance about 0.015).
bool white_reads_better(Rgb c) { return 1.05 / (luminance(c) + 0.05) > (luminance(c) + 0.05) / 0.065; }

constexpr Rgb kLightFloor = {246, 248, 251}, kDarkFloor = {34, 38, 46};
constexpr Rgb kLightBlue = {26, 84, 176}, kDarkBlue = {134, 182, 255};
constexpr Rgb kLightOrange = {206, 84, 0}, kDarkOrange = {255, 178, 102};

struct Shade {
  Rgb light, dark;
};

Shade shade_of(HeatHue hue, int level) {
  const double part = static_cast<double>(std::clamp(level, 0, kHeatLevels - 1)) / (kHeatLevels - 1);
  const bool blue = hue == HeatHue::Blue;
  return {mix(kLightFloor, blue ? kLightBlue : kLightOrange, part),
          mix(kDarkFloor, blue ? kDarkBlue : kDarkOrange, part)};
}

}  // namespace

Paint surface_paint() { return {"surface", "#ffffff", "#1a1d23"}; }
Paint ink_paint() { return {"ink", "#1c2330", "#e8ebf0"}; }
Paint muted_paint() { return {"muted", "#5a6475", "#a2abb9"}; }
Paint grid_paint() { return {"grid", "#e4e8ee", "#30353f"}; }
Paint empty_paint() { return {"empty", "#eceef1", "#262a31"}; }

Paint series_paint(std::size_t index) {
  index %= kSeries.size();
  return {fmt::format("c{}", index), kSeries[index][0], kSeries[index][1]};
}

Paint heat_paint(HeatHue hue, int level) {
  const Shade shade = shade_of(hue, level);
  const std::string name =
      fmt::format("{}{}", hue == HeatHue::Blue ? "hb" : "ho", std::clamp(level, 0, kHeatLevels - 1));
  return {name, hex(shade.light), hex(shade.dark)};
}

Paint heat_text_paint(HeatHue hue, int level) {
  const Shade shade = shade_of(hue, level);
  const bool light = white_reads_better(shade.light), dark = white_reads_better(shade.dark);
  return {fmt::format("on{}{}", light ? 'w' : 'k', dark ? 'w' : 'k'), light ? "#ffffff" : "#1c2330",
          dark ? "#f2f4f8" : "#10131a"};
}

}  // namespace strata::report
