// Pictures of 8-bit grey or RGB pixels and their PNG form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::report {

struct Rgb8 {
  std::uint8_t r = 0, g = 0, b = 0;
};

/// pixels[height x width x channels], row by row from the top; channels is 1 (grey) or 3 (RGB).
struct Image {
  int width = 0, height = 0, channels = 1;
  std::vector<std::uint8_t> pixels = {};

  /// An RGB picture of one colour. E0691 for a side below 0 or above 32768.
  static Image filled(int width, int height, Rgb8 colour);
  /// A grey picture from floats (row by row): low becomes black, high white; NaN is black.
  static Image from_floats(const float* values, int width, int height, float low, float high);

  /// Sets one pixel of an RGB picture; outside the picture nothing happens.
  void set(int x, int y, Rgb8 colour);
};

/// The PNG file of a picture, the same bytes for the same pixels. Throws E0691 if sizes and pixels don't fit.
std::string encode_png(const Image& image);

/// Writes encode_png() to a file in one step. Throws E0691 or E0002.
void write_png(const std::string& path, const Image& image);

/// "data:image/png;base64,..." for an <img> or an SVG <image>.
std::string png_data_uri(std::string_view png);

}  // namespace strata::report
