#include "strata/report/png/image.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::report {
namespace {

constexpr int kLargestSide = 32768;

void check(const Image& image) {
  const bool sides = image.width > 0 && image.height > 0 && image.width <= kLargestSide && image.height <= kLargestSide;
  const bool channels = image.channels == 1 || image.channels == 3;
  if (!sides || !channels) {
    throw base::Error(base::code::kUnwritablePng,
                      fmt::format("png: an image of {} x {} pixels with {} channels can't be written", image.width,
                                  image.height, image.channels))
        .hint(fmt::format("sides are 1 to {}, channels 1 (grey) or 3 (RGB)", kLargestSide));
  }
  const std::size_t wanted = static_cast<std::size_t>(image.width) * image.height * image.channels;
  if (image.pixels.size() == wanted) return;
  throw base::Error(base::code::kUnwritablePng,
                    fmt::format("png: {} x {} pixels with {} channels are {} bytes, but there are {}", image.width,
                                image.height, image.channels, wanted, image.pixels.size()));
}

}  // namespace

namespace {

void check_sides(std::string_view owner, int width, int height) {
  base::OptionCheck(base::code::kUnwritablePng, owner)
      .integer("width", width, base::Bounds::between(0, 32768))
      .integer("height", height, base::Bounds::between(0, 32768));
}

}  // namespace

Image Image::filled(int width, int height, Rgb8 colour) {
  check_sides("image", width, height);
  Image image{width, height, 3};
  image.pixels.resize(static_cast<std::size_t>(width) * height * 3);
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    image.pixels[i] = colour.r, image.pixels[i + 1] = colour.g, image.pixels[i + 2] = colour.b;
  }
  return image;
}

Image Image::from_floats(const float* values, int width, int height, float low, float high) {
  check_sides("image", width, height);
  Image image{width, height, 1};
  image.pixels.resize(static_cast<std::size_t>(width) * height);
  const float scale = high > low ? 255.0f / (high - low) : 0.0f;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const float level = (values[i] - low) * scale;
    image.pixels[i] = level > 0 ? static_cast<std::uint8_t>(std::min(level + 0.5f, 255.0f)) : 0;  // NaN compares false
  }
  return image;
}

void Image::set(int x, int y, Rgb8 colour) {
  if (channels != 3 || x < 0 || y < 0 || x >= width || y >= height) return;
  std::uint8_t* pixel = &pixels[(static_cast<std::size_t>(y) * width + x) * 3];
  pixel[0] = colour.r, pixel[1] = colour.g, pixel[2] = colour.b;
}

std::string encode_png(const Image& image) {
  check(image);
  // The simplified API: it reports failure as a value where the classic one needs longjmp.
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string out(bytes, '\0');
  const int row_bytes = image.width * image.channels;
  if (!png_image_write_to_memory(&header, out.data(), &bytes, 0, image.pixels.data(), row_bytes, nullptr)) {
    const std::string why = header.message;
    png_image_free(&header);
    throw base::Error(base::code::kUnwritablePng, "png: " + why);
  }
  out.resize(bytes);
  return out;
}

void write_png(const std::string& path, const Image& image) { base::write_file(path, encode_png(image)); }

std::string png_data_uri(std::string_view png) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "data:image/png;base64,";
  out.reserve(out.size() + (png.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < png.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, png.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(png[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace strata::report
