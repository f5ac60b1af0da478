// Convolutions whose windows are read from a plane at shifted places: which nests get such schedules on which target,
// and that every schedule gives the bits of the naive loops, on odd sizes, strides, groups and chains that are cut.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/convolution_kernels.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::parse_kernel;

/// Whether the schedule for each target windows along `side`, and every one's result is the naive one's.
void expect_windows(const std::string& text, const std::string& side, const std::vector<int64_t>& batches) {
  auto parsed = parse_kernel(text);
  ASSERT_TRUE(parsed) << parsed.error().what() << text;
  for (const machine::CpuTarget& cpu : machine::kCpuTargets) {
    ScheduleReport report;
    schedule(parsed.value(), cpu.vectors, &report);
    const std::string all = fmt::format("{}", fmt::join(report.lines, "\n"));
    EXPECT_NE(all.find("window " + side), std::string::npos) << all << text;
  }
  for (int64_t batch : batches) EXPECT_EQ(compare_schedules(parsed.value(), {batch}), "");
}

TEST(WindowedContraction, ForwardConvolutionsReadAPlaneAtShiftedPlaces) {
  for (int pad : {0, 1, 2, 4}) expect_windows(Convolution{.pad = pad}.forward(), "columns", {3});
  expect_windows(Convolution{.height = 11, .width = 19, .window = 5, .pad = 2}.forward(), "columns", {0, 1, 9});
  expect_windows(Convolution{.height = 9, .width = 12, .pad = 2, .dilation = 2}.forward(), "columns", {2});
  expect_windows(Convolution{.filters = 33, .height = 5, .width = 17}.forward(), "columns", {2});
}

TEST(WindowedContraction, GroupsAndDepthwiseConvolutionsAreTasksOfTheirOwn) {
  expect_windows(Convolution{.channels = 4, .filters = 6, .groups = 2}.forward(), "columns", {1, 3});
  expect_windows(Convolution{.channels = 5, .filters = 5, .groups = 5}.forward(), "columns", {2});
}

TEST(WindowedContraction, DeepConvolutionsJoinTheSumsOfTheirBlocksOfChannels) {
  for (const int block : {256, 90, 9})
    expect_windows(Convolution{.channels = 131, .filters = 3, .height = 5, .width = 6, .block = block}.forward(),
                   "columns", {2});
}

TEST(WindowedContraction, FilterGradientsJoinBlocksOfImagesAndPiecesOfOne) {
  for (const int block : {256, 100, 84, 42, 41, 12, 5})
    expect_windows(Convolution{.filters = 16, .block = block}.gradient_of_filter(), "rows", {1, 7});
}

TEST(WindowedContraction, LargeImagesAreCutIntoLines) {
  expect_windows(Convolution{.channels = 1, .filters = 2, .height = 47, .width = 61}.forward(), "columns", {1});
}

TEST(WindowedContraction, AStrideAlongColumnsCutsThePlaneIntoPhases) {
  for (int pad : {0, 1, 2})
    for (int height : {6, 7, 9})
      expect_windows(Convolution{.height = height, .pad = pad, .stride = 2}.forward(), "columns", {3});
  expect_windows(Convolution{.height = 21, .width = 30, .window = 7, .pad = 3, .stride = 2}.forward(), "columns",
                 {1, 2});
  expect_windows(Convolution{.channels = 1, .filters = 2, .height = 95, .width = 130, .stride = 2}.forward(), "columns",
                 {1});
  expect_windows(
      Convolution{.channels = 131, .filters = 3, .height = 9, .width = 11, .stride = 2, .block = 90}.forward(),
      "columns", {2});
  expect_windows(Convolution{.channels = 4, .filters = 6, .stride = 2, .groups = 2, .dtype = "f64"}.forward(),
                 "columns", {3});
}

TEST(WindowedContraction, StridesPastTheWindowAndManyPhasesArePacked) {
  for (const Convolution& c :
       {Convolution{.window = 2, .stride = 2}, Convolution{.width = 20, .window = 4, .stride = 3},
        Convolution{.height = 9, .width = 12, .pad = 2, .dilation = 3, .stride = 2}}) {
    ScheduleReport report;
    schedule(parse_kernel(c.forward()).value(), machine::kAvx2.vectors, &report);
    for (const std::string& line : report.lines) EXPECT_FALSE(line.starts_with("window")) << line;
    EXPECT_EQ(compare_schedules(c.forward(), {3}), "");
  }
}

TEST(WindowedContraction, FilterGradientsHoldAWholeWindowInRegisters) {
  expect_windows(Convolution{.filters = 16}.gradient_of_filter(), "rows", {0, 1, 3});
  expect_windows(Convolution{.filters = 19, .window = 5, .pad = 2}.gradient_of_filter(), "rows", {2});
  expect_windows(Convolution{.channels = 1, .filters = 6, .height = 13, .width = 14, .window = 5}.gradient_of_filter(),
                 "rows", {2});
  expect_windows(Convolution{.channels = 5, .filters = 40, .pad = 0}.gradient_of_filter(), "rows", {2});
}

TEST(WindowedContraction, SmallPlanesAreRowsWhichBlocksOfChannelsPassAtOnce) {
  for (const int size : {2, 5})
    expect_windows(Convolution{.channels = 115, .filters = 101, .height = size, .width = size}.forward(), "rows",
                   {0, 2});
  for (const int block : {27, 18, 9})
    expect_windows(Convolution{.channels = 13, .filters = 101, .height = 3, .width = 4, .block = block}.forward(),
                   "rows", {2});
  const Convolution strided{.channels = 13, .filters = 101, .height = 7, .width = 5, .stride = 2, .block = 18};
  expect_windows(strided.forward(), "rows", {2});
}

TEST(WindowedContraction, FilterGradientsOfStridedConvolutionsStepOverTheirPlane) {
  expect_windows(Convolution{.filters = 8, .height = 9, .width = 11, .stride = 2}.gradient_of_filter(), "rows", {3});
}

TEST(WindowedContraction, OtherElementTypesHaveTheSameSchedules) {
  expect_windows(Convolution{.dtype = "f64"}.forward(), "columns", {2});
  expect_windows(Convolution{.filters = 9, .dtype = "f64"}.gradient_of_filter(), "rows", {2});
}

TEST(WindowedContraction, EveryVariationGivesTheSameBits) {
  const Convolution forward{.channels = 5, .filters = 7, .height = 9, .width = 13, .window = 3, .pad = 1, .block = 18};
  const Convolution gradient{.channels = 3, .filters = 19, .window = 5, .pad = 2};
  const Convolution cut{.channels = 3, .filters = 19, .window = 5, .pad = 2, .block = 20};
  const Convolution strided{.channels = 5, .filters = 7, .height = 12, .width = 15, .stride = 2, .block = 18};
  for (const std::string& text :
       {forward.forward(), strided.forward(), gradient.gradient_of_filter(), cut.gradient_of_filter()})
    EXPECT_EQ(compare_variations(parse_kernel(text).value(), {3}), "");
}

TEST(WindowedContraction, WhateverATunerChangesGivesTheSameBits) {
  const Convolution forward{.channels = 12, .filters = 7, .height = 9, .width = 13, .block = 36};
  const Convolution gradient{.channels = 3, .filters = 19, .window = 5, .pad = 2, .block = 20};
  for (const std::string& text : {forward.forward(), gradient.gradient_of_filter()})
    EXPECT_EQ(compare_mutations(parse_kernel(text).value(), {3}, 7), "");
}

TEST(WindowedContraction, APanelThatCutsABlockUnevenlyIsRefused) {
  const auto naive = std::move(parse_kernel(Convolution{.channels = 12, .filters = 7, .block = 36}.forward()).value());
  const auto with_depth = [&](int depth) {
    return fmt::format(
        "window columns; tile rows by 4, columns by 16; vectorise columns by 8; block rows by 8, depth "
        "by {}; parallel rows by 8, lines by 6, images by 1",
        depth);
  };
  for (const int depth : {1, 2, 4, 8, 12, 20})
    EXPECT_NO_THROW(schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = with_depth(depth)})) << depth;
  for (const int depth : {3, 5, 6, 11}) {
    const std::string message =
        base::message_of([&] { schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = with_depth(depth)}); });
    EXPECT_TRUE(
        message.starts_with(fmt::format("error[E0317]: `block depth` takes a multiple or a divisor of the 4 "
                                        "steps of a block, found {}\n",
                                        depth)))
        << message;
  }
}

TEST(WindowedContraction, OneImageAloneIsCutIntoTasks) {
  const Convolution large{.channels = 8, .filters = 32, .height = 30, .width = 30};
  expect_windows(large.forward(), "columns", {1});
}

TEST(WindowedContraction, OneImageOfManyFiltersIsCutAlongThemSinceEachTaskPacksTheOtherSide) {
  std::string one = Convolution{.channels = 5, .filters = 130, .height = 12, .width = 20, .pad = 0}.forward();
  for (size_t at = one.find("[B,"); at != std::string::npos; at = one.find("[B,", at)) one.replace(at, 3, "[1,");
  one.replace(one.find("0..B"), 4, "0..1");
  expect_windows(one, "columns", {1});
  ScheduleReport report;
  schedule(parse_kernel(one).value(), machine::kAvx2.vectors, &report);
  EXPECT_NE(fmt::format("{}", fmt::join(report.lines, "\n")).find("lines by 10,"), std::string::npos)
      << fmt::format("{}", fmt::join(report.lines, "\n"));
}

}  // namespace
}  // namespace strata::compiler
