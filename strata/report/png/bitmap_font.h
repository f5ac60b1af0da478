// A small built-in font for captions in pictures: printable ASCII, 5 x 9 pixels at most, proportional.
// Drawn for this project (bitmap_font.cpp shows every glyph); anything that is not printable ASCII is drawn as a box.
#pragma once

#include <string_view>

#include "strata/report/png/image.h"

namespace strata::report {

inline constexpr int kFontHeight = 9;  ///< rows of a glyph: 7 above the baseline, 2 below

/// Width in pixels of `text` drawn with each font pixel as scale x scale pixels.
int bitmap_text_width(std::string_view text, int scale);

/// Draws into an RGB picture with the top left corner at x, y; what lies outside is cut.
void draw_bitmap_text(Image& image, int x, int y, std::string_view text, Rgb8 colour, int scale);

}  // namespace strata::report
