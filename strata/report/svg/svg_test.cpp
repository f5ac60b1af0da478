#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/error/error.h"
#include "strata/base/testing/option_walk.h"
#include "strata/report/svg/bars.h"
#include "strata/report/svg/heat_map.h"
#include "strata/report/svg/plot.h"

namespace strata::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

bool contains(const Svg& svg, std::string_view part) { return svg.markup.find(part) != std::string::npos; }

/// Every tag is closed in order, and no number is nan or inf outside of text.
void expect_well_formed(const Svg& svg) {
  std::vector<std::string> open;
  const std::string& text = svg.markup;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = text.substr(at + 1, end - at - 1);
    EXPECT_EQ(tag.find("nan"), std::string::npos) << tag;
    EXPECT_EQ(tag.find("inf"), std::string::npos) << tag;
    if (tag[0] == '/') {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(Plot, SameDataGivesSameBytes) {
  const std::vector<Series> series = {{.name = "a", .x = {1, 2, 3}, .y = {3, 1, 2}}};
  EXPECT_EQ(plot(series, {.title = "t"}).markup, plot(series, {.title = "t"}).markup);
}

TEST(Plot, EmptyInputsSayNoData) {
  for (const std::vector<Series>& series :
       {std::vector<Series>{}, {{.name = "a"}}, {{.name = "a", .x = {1, kNan}, .y = {kInf, 2}}}}) {
    const Svg svg = plot(series, {.title = "t", .y = {.scale = Scale::Log}});
    expect_well_formed(svg);
    EXPECT_TRUE(contains(svg, "no data"));
  }
}

TEST(Plot, NotFiniteValuesBreakTheLineAndAreCounted) {
  const Svg svg = plot({{.name = "a", .x = {0, 1, 2, 3, 4, 5}, .y = {1, 2, kNan, 3, kInf, 5}}}, {});
  expect_well_formed(svg);
  EXPECT_EQ(count_of(svg.markup, "<polyline"), 1u);
  EXPECT_EQ(count_of(svg.markup, "<circle"), 2u);  // the two points that stand alone
  EXPECT_TRUE(contains(svg, "2 points not drawn (not finite)"));
}

TEST(Plot, ALogAxisLeavesOutWhatIsNotPositive) {
  const Svg svg = plot({{.name = "a", .x = {0, 1, 2}, .y = {1, 10, 0}}}, {.y = {.scale = Scale::Log}});
  EXPECT_TRUE(contains(svg, "1 point not drawn (not finite or not positive)"));
}

TEST(Plot, EscapesAllText) {
  const Svg svg = plot({{.name = "<b>&", .x = {1, 2}, .y = {1, 2}}},
                       {.title = "a<script>", .subtitle = "\"q\"", .x = {.label = "x&y"}, .y = {.label = "<y>"}});
  expect_well_formed(svg);
  EXPECT_FALSE(contains(svg, "<script"));
  EXPECT_FALSE(contains(svg, "<b>"));
  EXPECT_TRUE(contains(svg, "&lt;b&gt;&amp;"));
}

TEST(Plot, ALongRunIsASmallFileThatKeepsItsSpike) {
  Series series{.name = "loss"};
  for (int i = 0; i < 200000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 123456 ? 100 : 1 + 1e-3 * (i % 7));
  }
  const Svg svg = plot({series}, {.y = {.low = 0, .high = 100}, .width = 640, .height = 340});
  EXPECT_LT(svg.markup.size(), 60000u);
  const Svg flat = plot({{.name = "loss", .x = {0, 1}, .y = {100, 100}}}, {.y = {.low = 0, .high = 100}});
  const std::size_t at = flat.markup.find("points=\"");
  const std::size_t comma = flat.markup.find(',', at);
  const std::string top = flat.markup.substr(comma, flat.markup.find(' ', comma) - comma);
  EXPECT_NE(svg.markup.find(top + " "), std::string::npos) << top;
}

TEST(Plot, RefusesSeriesOfTwoLengths) {
  try {
    plot({{.name = "a", .x = {1, 2}, .y = {1}}}, {});
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0690");
    EXPECT_EQ(error.message(), "plot: series 'a' has 2 x values and 1 y values");
  }
}

TEST(Plot, CarriesBothColourModes) {
  const Svg svg = plot({{.name = "a", .x = {1, 2}, .y = {1, 2}}}, {});
  EXPECT_TRUE(contains(svg, "prefers-color-scheme:dark"));
  EXPECT_TRUE(contains(svg, "stroke=\"#2f6fd0\""));
  EXPECT_TRUE(contains(svg, ".st-s-c0{stroke:#74a9ff}"));
}

TEST(Plot, TinySizesStillHoldAPlot) {
  expect_well_formed(plot({{.name = std::string(300, 'w'), .x = {1, 2}, .y = {1e9, 2e9}}},
                          {.title = std::string(300, 'w'), .width = 1, .height = 1}));
}

TEST(Smooth, IsUnbiasedAtTheStartAndSkipsNan) {
  EXPECT_EQ(smooth(std::vector<double>{5, 5, 5}, 10), (std::vector<double>{5, 5, 5}));
  const std::vector<double> out = smooth(std::vector<double>{1, kNan, 1, 4}, 1);
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_DOUBLE_EQ(out[2], 1);
  EXPECT_GT(out[3], 1);
  EXPECT_LT(out[3], 4);
  EXPECT_EQ(smooth(std::vector<double>{1, 2}, 0), (std::vector<double>{1, 2}));
  EXPECT_TRUE(smooth({}, 3).empty());
}

TEST(LossSeries, LeavesOutValidationWhenThereIsNone) {
  EXPECT_EQ(loss_series({1, 2}, {2, 1}, {}, {}).size(), 2u);
  EXPECT_EQ(loss_series({1, 2}, {2, 1}, {2}, {1.5}).size(), 3u);
}

TEST(BarChart, DrawsOneBarAGroupAndWritesEachValue) {
  const Svg svg =
      bar_chart({"gemm 256", "gemm 512"}, {{"strata", {1.5, kNan}}, {"onednn", {1.25, -2}}}, {.title = "t"});
  expect_well_formed(svg);
  EXPECT_EQ(count_of(svg.markup, "rx=\"2\""), 3u);
  EXPECT_TRUE(contains(svg, ">1.5<"));
  EXPECT_TRUE(contains(svg, ">nan<"));
  EXPECT_TRUE(contains(svg, ">-2<"));
}

TEST(BarChart, TakesNoCategoriesAndRefusesMissingValues) {
  expect_well_formed(bar_chart({}, {}, {}));
  EXPECT_TRUE(contains(bar_chart({}, {}, {}), "no data"));
  EXPECT_THROW(bar_chart({"a", "b"}, {{"g", {1}}}, {}), base::Error);
}

TEST(Histogram, CountsEveryFiniteValueOnce) {
  const Svg svg = histogram(std::vector<double>{0, 0.1, 0.9, 1, kNan, -kInf}, {.title = "t"}, 2);
  expect_well_formed(svg);
  EXPECT_TRUE(contains(svg, "<title>0 to 0.5: 2</title>"));
  EXPECT_TRUE(contains(svg, "<title>0.5 to 1: 2</title>"));
  EXPECT_TRUE(contains(svg, "2 values not finite"));
}

TEST(Histogram, TakesNoneOneAndEqualAndHugeValues) {
  for (const std::vector<double>& values :
       {std::vector<double>{}, {3}, {3, 3, 3}, {-1e300, 1e300}, {kNan}, {0, 5e-324}}) {
    expect_well_formed(histogram(values, {}));
  }
}

TEST(HeatMap, ShadesFromLowestToHighestAndGreysNan) {
  const Svg svg = heat_map(std::vector<double>{0, 1, kNan, 0.5}, {"a", "b"}, {"c", "d"}, {.title = "t"});
  expect_well_formed(svg);
  EXPECT_TRUE(contains(svg, "st-f-hb0\""));
  EXPECT_TRUE(contains(svg, "st-f-hb15\""));
  EXPECT_TRUE(contains(svg, "st-f-empty\""));
  EXPECT_TRUE(contains(svg, "<title>b, d: 0.5</title>"));
}

TEST(HeatMap, TakesNoneEqualHugeAndManyCells) {
  expect_well_formed(heat_map({}, {}, {}, {}));
  expect_well_formed(heat_map(std::vector<double>{2}, {"a"}, {"b"}, {}));
  expect_well_formed(heat_map(std::vector<double>{-1e300, 1e300}, {"a"}, {"b", "c"}, {}));
  const std::vector<std::string> labels(60, "label");
  expect_well_formed(heat_map(std::vector<double>(3600, 1), labels, labels, {}));
  EXPECT_THROW(heat_map(std::vector<double>{1, 2}, {"a"}, {"b"}, {}), base::Error);
}

TEST(ConfusionMatrix, TellsRightFromWrongAndWritesCounts) {
  const Svg svg = confusion_matrix(std::vector<std::int64_t>{9, 1, 0, 0}, {"cat", "dog"}, {});
  expect_well_formed(svg);
  EXPECT_TRUE(contains(svg, "<title>cat taken for cat: 9 (90.0 %)</title>"));
  EXPECT_TRUE(contains(svg, "<title>dog taken for dog: 0 (0.0 %)</title>"));
  EXPECT_TRUE(contains(svg, "st-f-ho5\""));  // sqrt(0.1) of the orange
  EXPECT_THROW(confusion_matrix(std::vector<std::int64_t>{1}, {"a", "b"}, {}), base::Error);
}

TEST(Options, OfPlotsAreRefusedByName) {
  const std::vector<double> values{1, 2, 3, 4};
  auto with_axis = [&](Axis axis) { histogram(values, {.title = "t", .x = axis}); };
  base::walk_numbers({
      {"width", [&](double v) { histogram(values, {.title = "t", .width = v}); }, {1e300}},
      {"height", [&](double v) { histogram(values, {.title = "t", .height = v}); }, {1e300}},
      {"width", [&](double v) { bar_chart({"a"}, {{"g", {1}}}, {.title = "t", .width = v}); }, {1e300}},
      {"cell", [&](double v) { heat_map(values, {"a", "b"}, {"c", "d"}, {.title = "t", .cell = v}); }, {1e300}},
      {"low", [&](double v) { with_axis({.label = "", .low = v}); }, {-1, 0, 1e300}},
      {"high", [&](double v) { with_axis({.label = "", .low = 0, .high = v}); }, {0, 1e300}},
  });
  base::walk_integers({{"bins", [&](int64_t v) { histogram(values, {.title = "t"}, static_cast<int>(v)); }, {0}}},
                      {INT32_MIN, -1, 0, INT32_MAX});
}

}  // namespace
}  // namespace strata::report
