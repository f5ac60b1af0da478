#include <gtest/gtest.h>
#include <png.h>

#include <cmath>

#include "strata/base/error/message_of.h"
#include "strata/base/testing/option_walk.h"
#include "strata/report/png/bitmap_font.h"
#include "strata/report/png/image.h"
#include "strata/report/png/image_grid.h"

namespace strata::report {
namespace {

/// What libpng reads back, as RGB or grey.
std::vector<std::uint8_t> decode(const std::string& png, int channels) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&header, png.data(), png.size()));
  header.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(header));
  EXPECT_TRUE(png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr));
  return pixels;
}

std::string code_of(const Image& image) {
  return base::code_of([&] { encode_png(image); });
}

TEST(Png, GreyAndRgbPixelsOfOddSizesSurvive) {
  for (const int channels : {1, 3}) {
    Image image{7, 5, channels};
    for (int i = 0; i < 35 * channels; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i * 37));
    EXPECT_EQ(decode(encode_png(image), channels), image.pixels);
    EXPECT_EQ(encode_png(image), encode_png(image));
  }
}

TEST(Png, RefusesSizesThatDoNotFitThePixels) {
  EXPECT_EQ(code_of({0, 0, 1}), "E0691");
  EXPECT_EQ(code_of({2, 2, 1, {1, 2, 3}}), "E0691");
  EXPECT_EQ(code_of({1, 1, 2, {1, 2}}), "E0691");
  EXPECT_EQ(code_of({-1, 1, 1}), "E0691");
  EXPECT_EQ(code_of({1 << 20, 1, 1}), "E0691");
}

TEST(Png, FloatsAreScaledAndClampedAndNanIsBlack) {
  const float values[] = {-1, 0, 0.5f, 1, 2, std::nanf(""), INFINITY, -INFINITY};
  EXPECT_EQ(Image::from_floats(values, 8, 1, 0, 1).pixels, (std::vector<std::uint8_t>{0, 0, 128, 255, 255, 0, 255, 0}));
  EXPECT_EQ(Image::from_floats(values, 2, 1, 1, 1).pixels, (std::vector<std::uint8_t>{0, 0}));
}

TEST(Png, DataUriIsBase64WithPadding) {
  EXPECT_EQ(png_data_uri("Man"), "data:image/png;base64,TWFu");
  EXPECT_EQ(png_data_uri("Ma"), "data:image/png;base64,TWE=");
  EXPECT_EQ(png_data_uri("M"), "data:image/png;base64,TQ==");
  EXPECT_EQ(png_data_uri(""), "data:image/png;base64,");
}

TEST(BitmapFont, WidthIsThatOfTheDrawnDots) {
  for (char c = '!'; c <= '~'; ++c) {
    Image image = Image::filled(16, 12, {255, 255, 255});
    draw_bitmap_text(image, 0, 0, std::string(1, c), {0, 0, 0}, 1);
    int right = -1;
    for (int i = 0; i < 16 * 12; ++i) {
      if (image.pixels[i * 3] == 0) right = std::max(right, i % 16);
    }
    EXPECT_EQ(right + 1, bitmap_text_width(std::string(1, c), 1)) << c;
  }
}

TEST(BitmapFont, EveryGlyphDiffersFromTheOthers) {
  std::vector<std::vector<std::uint8_t>> seen;
  for (char c = '!'; c <= '~'; ++c) {
    Image image = Image::filled(6, 9, {255, 255, 255});
    draw_bitmap_text(image, 0, 0, std::string(1, c), {0, 0, 0}, 1);
    for (const auto& other : seen) EXPECT_NE(other, image.pixels) << c;
    seen.push_back(image.pixels);
  }
}

TEST(BitmapFont, DrawsOutsideThePictureWithoutHarm) {
  Image image = Image::filled(4, 4, {255, 255, 255});
  draw_bitmap_text(image, -3, -3, "M\xFF", {0, 0, 0}, 3);
  draw_bitmap_text(image, 100, 100, "M", {0, 0, 0}, 3);
  EXPECT_EQ(image.pixels.size(), 48u);
}

TEST(ImageGrid, ScalesByWholePixelsInsideAColouredFrame) {
  const Image dot{1, 1, 1, {77}};
  const Image grid = image_grid({prediction_item(dot, "a", "b")}, {.columns = 8, .image_side = 4});
  const auto at = [&](int x, int y) { return grid.pixels[(static_cast<std::size_t>(y) * grid.width + x) * 3]; };
  EXPECT_EQ(at(20, 20), 196);  // the red of a wrong answer
  EXPECT_EQ(at(23, 23), 77);
  EXPECT_EQ(at(26, 26), 77);
  EXPECT_EQ(at(27, 27), 196);
}

TEST(ImageGrid, SaysWhatWasRightAndWhatWasNot) {
  const GridItem right = prediction_item({1, 1, 1, {0}}, "Coat", "Coat");
  const GridItem wrong = prediction_item({1, 1, 1, {0}}, "Coat", "Shirt");
  EXPECT_EQ(right.outcome, Outcome::Right);
  EXPECT_EQ(right.detail, "");
  EXPECT_EQ(wrong.outcome, Outcome::Wrong);
  EXPECT_EQ(wrong.detail, "not Shirt");
}

TEST(ImageGrid, TakesNoItemsMixedSizesAndLongCaptions) {
  EXPECT_GT(image_grid({}).width, 0);
  const Image wide{9, 3, 3, std::vector<std::uint8_t>(81, 9)}, small{2, 2, 1, {1, 2, 3, 4}};
  const Image grid = image_grid({{wide, std::string(500, 'w')}, {small, "x"}, {small}}, {.title = "t", .columns = 2});
  EXPECT_EQ(grid.pixels.size(), static_cast<std::size_t>(grid.width) * grid.height * 3);
  EXPECT_LT(grid.width, 500);
  EXPECT_THROW(image_grid({{Image{2, 2, 1, {1}}}}), base::Error);
  EXPECT_GT(image_grid({{small}}, {.columns = 0}).width, 0);
}

TEST(Options, OfImageGridsAreRefusedByName) {
  const std::vector<GridItem> items{{.image = {.width = 1, .height = 1, .channels = 1, .pixels = {0}}}};
  base::walk_integers(
      {{"columns", [&](int64_t v) { image_grid(items, {.columns = static_cast<int>(v)}); }, {0, INT32_MAX}},
       {"image_side", [&](int64_t v) { image_grid(items, {.image_side = static_cast<int>(v)}); }}},
      {INT32_MIN, -1, 0, INT32_MAX});
}

}  // namespace
}  // namespace strata::report
