// Convolutions of small planes whose vectors run along the batch's innermost loop, a channel in each lane: which nests
// get such schedules, that every one gives the bits of the naive loops, and what is refused.
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
    EXPECT_EQ(compare_variations(parse_kernel(text).value(), {3}), "");
    EXPECT_EQ(compare_mutations(parse_kernel(text).value(), {3}, 5), "");
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
