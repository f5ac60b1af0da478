// Colours by role, each with a light and a dark form.
//
// A drawing names roles, never colours. The canvas writes the light colour as an attribute, which every viewer reads,
// and the dark one as a rule under prefers-color-scheme, which browsers read: one file serves both, and CSS variables,
// which most viewers other than browsers don't know, are not needed. The series colours keep their order and stay apart
// for the common forms of colour blindness; no plot relies on colour alone.
#pragma once

#include <cstddef>
#include <string>

namespace strata::report {

struct Paint {
  std::string name;   ///< class name, [a-z0-9]
  std::string light;  ///< "#rrggbb"
  std::string dark;
};

Paint surface_paint();  ///< background
Paint ink_paint();      ///< titles and values
Paint muted_paint();    ///< ticks, labels, notes
Paint grid_paint();     ///< lines behind the data
Paint empty_paint();    ///< a cell without a value

/// Colour of the series `index`; the eight colours repeat.
Paint series_paint(std::size_t index);

enum class HeatHue { Blue, Orange };
inline constexpr int kHeatLevels = 16;

/// Colour of a cell: level 0 is close to the background, kHeatLevels - 1 the strongest. Clamped to that range.
Paint heat_paint(HeatHue hue, int level);

/// Text colour that can be read on heat_paint(hue, level) in both modes.
Paint heat_text_paint(HeatHue hue, int level);

}  // namespace strata::report
