#include "strata/report/svg/roofline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/report/png/raster.h"
#include "strata/report/svg/label_places.h"

namespace strata::report {
namespace {

Roofline made_up(int points) {
  Roofline r{.title = "Roofline",
             .subtitle = "",
             .arithmetic = {{"all threads", 2e11}, {"one thread", 1e11, true}},
             .memory = {{"L1", 8e11}, {"DRAM", 2e10}, {"DRAM", 1.2e10, true}},
             .series = {"Strata", "peer"},
             .points = {}};
  for (int i = 0; i < points; ++i)
    r.points.push_back({"kernel " + std::to_string(i), 0.1 * (i % 7 + 1), 1e9 * (i % 5 + 1), 0, 1.0 / points});
  return r;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(LabelPlaces, NoLabelTouchesAnotherOrLeavesTheArea) {
  LabelPlaces places({0, 0, 400, 300});
  std::vector<Box> found;
  for (int i = 0; i < 60; ++i)
    if (const auto box = places.place({200, 150}, 4, 60, 14)) found.push_back(*box);
  EXPECT_GT(found.size(), 8u);
  EXPECT_LT(found.size(), 60u) << "at some time there is no place near the point";
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GE(found[i].left, 0);
    EXPECT_LE(found[i].bottom, 300);
    for (size_t k = 0; k < i; ++k)
      EXPECT_FALSE(found[i].left < found[k].right && found[k].left < found[i].right && found[i].top < found[k].bottom &&
                   found[k].top < found[i].bottom);
  }
}

TEST(Roofline, DrawsRoofsPointsLabelsAndALegend) {
  Canvas canvas = draw_roofline(made_up(5));
  const std::string svg = canvas.finish().markup;
  EXPECT_EQ(count(svg, "<circle"), 5u + 1) << "the points and the legend's mark";
  for (const char* text :
       {">kernel 3</text>", ">Strata<", ">operations per byte<", ">L1, 800 GB/s<", ">all threads, 200 GF/s<"})
    EXPECT_EQ(count(svg, text), 1u) << text;
  EXPECT_EQ(count(svg, ">peer<"), 0u) << "it has no points";
}

TEST(Roofline, WhatHasNoPlaceOnALogScaleIsCounted) {
  Roofline r = made_up(2);
  r.points.push_back({"copy", 0, 0, 0, 0.5});
  r.points.push_back({"nan", std::nan(""), INFINITY, 0, 0.5});
  const std::string svg = draw_roofline(r).finish().markup;
  EXPECT_EQ(count(svg, "2 without operations not drawn"), 1u);
}

TEST(Roofline, ManyPointsGetTheLabelsThatFit) {
  const std::string svg = draw_roofline(made_up(300)).finish().markup;
  EXPECT_EQ(count(svg, "labels left out"), 1u);
}

TEST(Roofline, NothingMeasuredIsAnEmptyPicture) {
  EXPECT_EQ(count(draw_roofline({}).finish().markup, "no points"), 1u);
}

TEST(Raster, PaintsShapesInTheirColoursAndClips) {
  Canvas canvas(40, 20, "test");
  canvas.rect(0, 0, 10, 20, {"a", "#ff0000", "#00ff00"});
  canvas.begin_clip(20, 0, 10, 20);
  canvas.circle({30, 10}, 8, {"b", "#0000ff", "#0000ff"});
  canvas.end_clip();
  const auto pixel = [](const Image& image, int x, int y) {
    const auto* p = image.pixels.data() + (static_cast<size_t>(y) * image.width + x) * 3;
    return std::vector<int>{p[0], p[1], p[2]};
  };
  const Image light = raster(canvas, 2), dark = raster(canvas, 1, Lighting::Dark);
  EXPECT_EQ(light.width, 80);
  EXPECT_EQ(light.height, 40);
  EXPECT_EQ(pixel(light, 8, 20), (std::vector<int>{255, 0, 0}));
  EXPECT_EQ(pixel(dark, 4, 10), (std::vector<int>{0, 255, 0}));
  EXPECT_EQ(pixel(light, 54, 20), (std::vector<int>{0, 0, 255}));
  EXPECT_EQ(pixel(light, 66, 20), (std::vector<int>{255, 255, 255})) << "cut";
}

TEST(Raster, DashesLeaveGapsAndTextLeavesInk) {
  Canvas canvas(60, 30, "test");
  canvas.line(0, 5, 60, 5, {.paint = ink_paint(), .width = 2, .dashes = "6 6"});
  canvas.text(5, 25, "Ag\xE2\x80\xA6", {.paint = ink_paint()});
  const Image image = raster(canvas, 1);
  int changes = 0, inked = 0;
  for (int x = 1; x < 60; ++x)
    changes += (image.pixels[(5 * 60 + x) * 3] < 128) != (image.pixels[(5 * 60 + x - 1) * 3] < 128);
  for (size_t i = 15 * 60 * 3; i < image.pixels.size(); i += 3) inked += image.pixels[i] < 128;
  EXPECT_GE(changes, 8);
  EXPECT_GT(inked, 10);
}

}  // namespace
}  // namespace strata::report
