#include "strata/report/png/image_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/report/png/bitmap_font.h"

namespace strata::report {
namespace {

constexpr Rgb8 kPaper{255, 255, 255}, kInk{28, 35, 48}, kMuted{90, 100, 117}, kFrame{208, 213, 221};
constexpr Rgb8 kRight{18, 120, 72}, kWrong{196, 40, 32};
constexpr int kGap = 16, kEdge = 20, kScale = 2, kTitleScale = 3, kBorder = 3;
constexpr int kLine = (kFontHeight + 1) * kScale;
constexpr std::size_t kMostPixels = std::size_t{1} << 28;

Rgb8 frame_colour(Outcome outcome) {
  if (outcome == Outcome::Right) return kRight;
  return outcome == Outcome::Wrong ? kWrong : kFrame;
}

struct Cells {
  int columns = 1, rows = 0, cell_width = 0, image_height = 0, cell_height = 0, top = 0;
};

int scale_of(const Image& image, int side) { return std::max(1, side / std::max({image.width, image.height, 1})); }

void check(const GridItem& item, std::size_t index) {
  const Image& image = item.image;
  const bool sides = image.width > 0 && image.height > 0 && (image.channels == 1 || image.channels == 3);
  if (sides && image.pixels.size() == static_cast<std::size_t>(image.width) * image.height * image.channels) return;
  throw base::Error(base::code::kUnwritablePng,
                    fmt::format("image grid: item {} is {} x {} with {} channels but has {} bytes", index, image.width,
                                image.height, image.channels, image.pixels.size()));
}

/// Captions may widen a cell to half more than its picture; longer ones are cut.
Cells lay_out(const std::vector<GridItem>& items, const GridOptions& options) {
  base::OptionCheck(base::code::kUnwritablePng, "image grid")
      .integer("columns", options.columns, base::Bounds::at_least(0))
      .integer("image_side", options.image_side, base::Bounds::between(1, 32768));
  Cells cells;
  int image_width = 0, caption_width = 0, lines = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    check(items[i], i);
    const int scale = scale_of(items[i].image, options.image_side);
    image_width = std::max(image_width, items[i].image.width * scale + 2 * kBorder);
    cells.image_height = std::max(cells.image_height, items[i].image.height * scale + 2 * kBorder);
    caption_width = std::max(
        {caption_width, bitmap_text_width(items[i].caption, kScale), bitmap_text_width(items[i].detail, kScale)});
    lines = std::max(lines, items[i].detail.empty() ? (items[i].caption.empty() ? 0 : 1) : 2);
  }
  const int count = items.size();
  cells.columns = std::clamp(options.columns, 1, std::max(count, 1));
  cells.rows = (count + cells.columns - 1) / cells.columns;
  cells.cell_width = std::max(image_width, std::min(caption_width, image_width * 3 / 2));
  cells.cell_height = cells.image_height + (lines > 0 ? 6 + lines * kLine : 0);
  cells.top = kEdge + (options.title.empty() ? 0 : (kFontHeight + 4) * kTitleScale);
  return cells;
}

std::string fitted(const std::string& text, int width, int scale) {
  if (bitmap_text_width(text, scale) <= width) return text;
  for (std::size_t kept = text.size(); kept-- > 0;) {
    std::string cut = text.substr(0, kept) + "..";
    if (bitmap_text_width(cut, scale) <= width) return cut;
  }
  return "";
}

void paste(Image& target, int x, int y, const Image& image, int scale) {
  for (int row = 0; row < image.height * scale; ++row) {
    for (int column = 0; column < image.width * scale; ++column) {
      const std::size_t at = (static_cast<std::size_t>(row / scale) * image.width + column / scale) * image.channels;
      const std::uint8_t* pixel = &image.pixels[at];
      target.set(x + column, y + row,
                 image.channels == 1 ? Rgb8{pixel[0], pixel[0], pixel[0]} : Rgb8{pixel[0], pixel[1], pixel[2]});
    }
  }
}

void fill_box(Image& target, int x, int y, int width, int height, Rgb8 colour) {
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) target.set(x + column, y + row, colour);
  }
}

void draw_item(Image& target, const GridItem& item, const Cells& cells, int x, int y, int side) {
  const int scale = scale_of(item.image, side);
  const int width = item.image.width * scale, height = item.image.height * scale;
  const Rgb8 colour = frame_colour(item.outcome);
  fill_box(target, x, y, width + 2 * kBorder, height + 2 * kBorder, colour);
  paste(target, x + kBorder, y + kBorder, item.image, scale);
  const int text_y = y + cells.image_height + 6;
  draw_bitmap_text(target, x, text_y, fitted(item.caption, cells.cell_width, kScale),
                   item.outcome == Outcome::None ? kInk : colour, kScale);
  draw_bitmap_text(target, x, text_y + kLine, fitted(item.detail, cells.cell_width, kScale), kMuted, kScale);
}

}  // namespace

Image image_grid(const std::vector<GridItem>& items, const GridOptions& options) {
  const Cells cells = lay_out(items, options);
  if (items.empty()) {
    Image image = Image::filled(220, 60, kPaper);
    draw_bitmap_text(image, kEdge, kEdge, "no images", kMuted, kScale);
    return image;
  }
  const int width = 2 * kEdge + cells.columns * (cells.cell_width + kGap) - kGap;
  const int height = cells.top + cells.rows * (cells.cell_height + kGap) - kGap + kEdge;
  if (static_cast<std::size_t>(width) * static_cast<std::size_t>(height) > kMostPixels) {
    throw base::Error(base::code::kUnwritablePng,
                      fmt::format("image grid: {} x {} pixels are too many for one picture", width, height));
  }
  Image image = Image::filled(width, height, kPaper);
  draw_bitmap_text(image, kEdge, kEdge, fitted(options.title, width - 2 * kEdge, kTitleScale), kInk, kTitleScale);
  for (int i = 0; i < std::ssize(items); ++i) {
    const int column = i % cells.columns, row = i / cells.columns;
    draw_item(image, items[i], cells, kEdge + column * (cells.cell_width + kGap),
              cells.top + row * (cells.cell_height + kGap), options.image_side);
  }
  return image;
}

GridItem prediction_item(Image image, const std::string& predicted, const std::string& truth) {
  const bool right = predicted == truth;
  return {std::move(image), predicted, right ? "" : "not " + truth, right ? Outcome::Right : Outcome::Wrong};
}

}  // namespace strata::report
