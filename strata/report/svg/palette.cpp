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

std::string mix(Rgb from, Rgb to, double part) {
  const auto channel = [part](double a, double b) { return static_cast<int>(std::lround(a + (b - a) * part)); };
  return fmt::format("#{:02x}{:02x}{:02x}", channel(from.r, to.r), channel(from.g, to.g), channel(from.b, to.b));
}

constexpr Rgb kLightFloor = {246, 248, 251}, kDarkFloor = {34, 38, 46};
constexpr Rgb kLightBlue = {26, 84, 176}, kDarkBlue = {134, 182, 255};
constexpr Rgb kLightOrange = {176, 72, 4}, kDarkOrange = {255, 178, 102};

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
  level = std::clamp(level, 0, kHeatLevels - 1);
  const double part = static_cast<double>(level) / (kHeatLevels - 1);
  const bool blue = hue == HeatHue::Blue;
  return {fmt::format("{}{}", blue ? "hb" : "ho", level), mix(kLightFloor, blue ? kLightBlue : kLightOrange, part),
          mix(kDarkFloor, blue ? kDarkBlue : kDarkOrange, part)};
}

Paint heat_text_paint(int level) {
  if (level >= 8) return {"onheat", "#ffffff", "#10131a"};
  return ink_paint();
}

}  // namespace strata::report
