#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/compiler/tune/space.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::parse_kernel;
using machine::CpuTarget;

struct Convolution {
  int channels = 2, filters = 4, height = 6, width = 7, window = 3, pad = 1, dilation = 1, stride = 1, groups = 1;
  const char* dtype = "f32";
  int block = 256;  ///< terms of the chains that are joined

  int reach() const { return dilation * (window - 1) + 1; }
  int out_height() const { return (height + 2 * pad - reach()) / stride + 1; }
  int out_width() const { return (width + 2 * pad - reach()) / stride + 1; }
  /// x at row `h` and column `v` of the padded image, or zero.
  std::string pixel(const std::string& at, const std::string& h, const std::string& v) const {
    return fmt::format(
        "select(and(and(le(0, {1}), lt({1}, {3})), and(le(0, {2}), lt({2}, {4}))), %x[{0},max(0, min({1}, {3} - 1)),"
        "max(0, min({2}, {4} - 1))], 0.0)",
        at, h, v, height, width);
  }

  std::string forward() const {
    const int here = channels / groups, there = filters / groups;
    return fmt::format(
        R"(kernel @conv(%x: {0}[B,{1},{2},{3}], %w: {0}[{4},{5},{6},{6}], %b: {0}[{4}]) -> (%y: {0}[B,{4},{7},{8}]) {{
    parallel g in 0..{9} {{ for o in 0..{10} {{ for n in 0..B {{ for h in 0..{7} {{ vector v in 0..{8} {{
      var acc: {0} = 0.0
      for c in 0..{5} joining acc by {12}, outer 1, inner 2 {{ for p in 0..{6} {{ for q in 0..{6} {{
        acc = fma(%w[g*{10} + o,c,p,q], {11}, acc) }} }} }}
      %y[n,g*{10} + o,h,v] = max(add(acc, %b[g*{10} + o]), 0.0) }} }} }} }} }} }})",
        dtype, channels, height, width, filters, here, window, out_height(), out_width(), groups, there,
        pixel(fmt::format("n,g*{} + c", here), fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        block);
  }

  std::string gradient_of_filter() const {
    return fmt::format(
        R"(kernel @dw(%x: {0}[B,{1},{2},{3}], %g: {0}[B,{4},{7},{8}]) -> (%y: {0}[{4},{1},{6},{6}]) {{
    parallel o in 0..{4} {{ for c in 0..{1} {{ for p in 0..{6} {{ vector q in 0..{6} {{ var acc: {0} = 0.0
      for n in 0..B joining acc by {9}, outer 1, inner 2 {{ for h in 0..{7} {{ for v in 0..{8} {{
        acc = fma(%g[n,o,h,v], {5}, acc) }} }} }}
      %y[o,c,p,q] = acc }} }} }} }} }})",
        dtype, channels, height, width, filters,
        pixel("n,c", fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        window, out_height(), out_width(), block);
  }

  std::string gradient_of_depthwise_filter() const {
    return fmt::format(
        R"(kernel @dw(%x: {0}[B,{1},{2},{3}], %g: {0}[B,{1},{4},{5}]) -> (%y: {0}[{1},{6},{6}]) {{
    parallel c in 0..{1} {{ for p in 0..{6} {{ vector q in 0..{6} {{ var acc: {0} = 0.0
      for n in 0..B joining acc by {8}, outer 1, inner 2 {{ for h in 0..{4} {{ for v in 0..{5} {{
        acc = fma({7}, %g[n,c,h,v], acc) }} }} }}
      %y[c,p,q] = acc }} }} }} }})",
        dtype, channels, height, width, out_height(), out_width(), window,
        pixel("n,c", fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        block);
  }
};

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
       {forward.forward(), strided.forward(), gradient.gradient_of_filter(), cut.gradient_of_filter()}) {
    const auto naive = std::move(parse_kernel(text).value());
    for (const machine::CpuTarget& cpu : machine::kCpuTargets)
      for (uint64_t variation = 1; variation <= 6; ++variation) {
        const auto scheduled = schedule(naive, cpu.vectors, nullptr, {.variation = variation});
        EXPECT_EQ(compare_kernels(naive, scheduled, {3}, cpu, Run::InterpretAndNative), "") << variation;
      }
  }
}

TEST(WindowedContraction, WhateverATunerChangesGivesTheSameBits) {
  const Convolution forward{.channels = 12, .filters = 7, .height = 9, .width = 13, .block = 36};
  const Convolution gradient{.channels = 3, .filters = 19, .window = 5, .pad = 2, .block = 20};
  for (const std::string& text : {forward.forward(), gradient.gradient_of_filter()}) {
    const auto naive = std::move(parse_kernel(text).value());
    const tune::ScheduleSpace space([&] { return naive; }, machine::kAvx2.vectors, {3});
    base::SplitMix64 random(7);
    auto candidate = space.heuristic();
    for (int step = 0; step < 24; ++step) {
      auto next = space.mutation(*candidate, random);
      if (!next) continue;
      const auto scheduled = schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = next->rewrites});
      ASSERT_EQ(compare_kernels(naive, scheduled, {3}, machine::kAvx2, Run::InterpretAndNative), "") << next->rewrites;
      if (step % 3 != 0) candidate = std::move(next);
    }
  }
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

/// Whether vectors of each target run along the batch, and every one's result is the naive one's.
void expect_batch_lanes(const std::string& text, const std::vector<int64_t>& batches) {
  auto parsed = parse_kernel(text);
  ASSERT_TRUE(parsed) << parsed.error().what() << text;
  for (const machine::CpuTarget& cpu : machine::kCpuTargets) {
    ScheduleReport report;
    schedule(parsed.value(), cpu.vectors, &report);
    const std::string all = fmt::format("{}", fmt::join(report.lines, "\n"));
    EXPECT_TRUE(cpu.vectors.is_narrow() || all.find("vectorise batch by") != std::string::npos) << all << text;
  }
  for (int64_t batch : batches) EXPECT_EQ(compare_schedules(parsed.value(), {batch}), "");
}

TEST(BatchLanes, GradientsOfDepthwiseFiltersHaveAChannelInEachLane) {
  for (const int channels : {4, 5, 8, 19, 32})
    expect_batch_lanes(Convolution{.channels = channels}.gradient_of_depthwise_filter(), {3});
  for (const int stride : {1, 2})
    expect_batch_lanes(
        Convolution{.channels = 9, .height = 11, .width = 13, .stride = stride}.gradient_of_depthwise_filter(),
        {0, 1, 2});
  expect_batch_lanes(
      Convolution{.channels = 8, .height = 9, .width = 12, .pad = 2, .dilation = 2}.gradient_of_depthwise_filter(),
      {2});
  expect_batch_lanes(Convolution{.channels = 8, .window = 5, .pad = 2, .dtype = "f64"}.gradient_of_depthwise_filter(),
                     {3});
}

TEST(BatchLanes, ChainsAreCutAndJoinedAsWritten) {
  for (const int block : {256, 100, 84, 42, 41, 12, 5})
    expect_batch_lanes(Convolution{.channels = 8, .block = block}.gradient_of_depthwise_filter(), {1, 7});
}

TEST(BatchLanes, DepthwiseConvolutionsOfSmallPlanesAndStridesHaveAChannelInEachLane) {
  for (const int size : {2, 3, 5, 7})
    expect_batch_lanes(
        Convolution{.channels = 10, .filters = 10, .height = size, .width = size, .groups = 10}.forward(), {0, 3});
  for (const int pad : {0, 1})
    expect_batch_lanes(
        Convolution{.channels = 8, .filters = 8, .height = 14, .width = 31, .pad = pad, .stride = 2, .groups = 8}
            .forward(),
        {1, 9});
  const Convolution two_filters{.channels = 12, .filters = 24, .height = 5, .width = 4, .groups = 12};
  expect_batch_lanes(two_filters.forward(), {2});
  const Convolution groups_of_two{.channels = 16, .filters = 16, .height = 5, .width = 4, .groups = 8, .block = 9};
  expect_batch_lanes(groups_of_two.forward(), {2});
}

TEST(BatchLanes, LongLinesAreLeftToVectorsAlongThem) {
  ScheduleReport report;
  const Convolution wide{.channels = 8, .filters = 8, .height = 9, .width = 40, .groups = 8};
  schedule(parse_kernel(wide.forward()).value(), machine::kAvx2.vectors, &report);
  for (const std::string& line : report.lines) EXPECT_EQ(line.find("batch"), std::string::npos) << line;
}

TEST(BatchLanes, WhateverATunerChangesGivesTheSameBits) {
  const Convolution forward{.channels = 10, .filters = 10, .height = 7, .width = 9, .stride = 2, .groups = 10};
  const Convolution gradient{.channels = 11, .window = 5, .pad = 2, .block = 20};
  for (const std::string& text : {forward.forward(), gradient.gradient_of_depthwise_filter()}) {
    const auto naive = std::move(parse_kernel(text).value());
    for (const machine::CpuTarget& cpu : machine::kCpuTargets)
      for (uint64_t variation = 1; variation <= 6; ++variation) {
        const auto scheduled = schedule(naive, cpu.vectors, nullptr, {.variation = variation});
        EXPECT_EQ(compare_kernels(naive, scheduled, {3}, cpu, Run::InterpretAndNative), "") << variation;
      }
    const tune::ScheduleSpace space([&] { return naive; }, machine::kAvx2.vectors, {3});
    base::SplitMix64 random(5);
    auto candidate = space.heuristic();
    for (int step = 0; step < 24; ++step) {
      auto next = space.mutation(*candidate, random);
      if (!next) continue;
      const auto scheduled = schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = next->rewrites});
      ASSERT_EQ(compare_kernels(naive, scheduled, {3}, machine::kAvx2, Run::InterpretAndNative), "") << next->rewrites;
      if (step % 3 != 0) candidate = std::move(next);
    }
  }
}

TEST(BatchLanes, WhatDoesNotFitTheNestIsRefused) {
  const std::string lanes =
      "window columns; vectorise batch by 8; tile positions by {}, lines by {}; parallel rows by 1, lines by {}, "
      "images "
      "by 1";
  const auto message = [&](const Convolution& c, int positions, int tile_lines, int lines) {
    const auto naive = std::move(parse_kernel(c.forward()).value());
    const std::string text = fmt::format(fmt::runtime(lanes), positions, tile_lines, lines);
    return base::message_of([&] { schedule(naive, machine::kAvx2.vectors, nullptr, {.rewrites = text}); });
  };
  const Convolution depthwise{.channels = 8, .filters = 8, .groups = 8};
  EXPECT_TRUE(message(depthwise, 4, 2, 6)
                  .starts_with("error[E0317]: a tile of several lines has whole ones, of 7 positions, found 4\n"))
      << message(depthwise, 4, 2, 6);
  EXPECT_TRUE(
      message({}, 4, 1, 6).starts_with("error[E0317]: the product has no batch along which vectors could run\n"))
      << message({}, 4, 1, 6);
  EXPECT_EQ(message(depthwise, 7, 2, 6), "no error");
}

}  // namespace
}  // namespace strata::compiler
