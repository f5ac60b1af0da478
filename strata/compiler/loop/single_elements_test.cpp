// Convolutions by windows of one element: a stride steps over what lies between, filters lie in panels, a residual is
// added to what comes out. Naive against scheduled, and what the schedules do.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::parse_kernel;

struct Layer {
  int64_t channels, filters, height, width, stride = 1;
  bool are_filters_in_panels = false, has_residual = true;

  int64_t out_height() const { return (height - 1) / stride + 1; }
  int64_t out_width() const { return (width - 1) / stride + 1; }
  std::string weight() const {
    return are_filters_in_panels ? fmt::format("{},{},16", (filters + 15) / 16, channels)
                                 : fmt::format("{},{},1,1", filters, channels);
  }

  /// max(conv(x, w) + r, 0), with the loops of the window as they are lowered.
  std::string text() const {
    return fmt::format(
        R"(kernel @conv(%x: f32[{0},{1},{2}], %w: f32[{3}], %r: f32[{4},{5},{6}]) -> (%y: f32[{4},{5},{6}]) {{
    parallel o in 0..{4} {{ for h in 0..{5} {{ vector v in 0..{6} {{ var acc: f32 = 0.0
      for c in 0..{0} joining acc by 256, outer 1, inner 2 {{ for p in 0..1 {{ for q in 0..1 {{
        acc = fma(%w[{7}], %x[c,h*{8} + p,v*{8} + q], acc) }} }} }}
      %y[o,h,v] = max({9}, 0.0) }} }} }} }})",
        channels, height, width, weight(), filters, out_height(), out_width(),
        are_filters_in_panels ? "floordiv(o, 16),c + p + q,floormod(o, 16)" : "o,c,p,q", stride,
        has_residual ? "add(acc, %r[o,h,v])" : "add(acc, %r[o,0,0])");
  }

  /// What the schedule says of itself, and the loops that it makes.
  std::string scheduled() const {
    ScheduleReport report;
    const auto made = schedule(parse_kernel(text()).value(), machine::kAvx2.vectors, &report);
    return fmt::format("{}\n{}", fmt::join(report.lines, "\n"), ir::loops::print(made));
  }
  bool prefetches(const char* buffer) const { return scheduled().find(buffer) != std::string::npos; }
};

TEST(SingleElements, AStrideIsPackedAlongTheLinesThatItStepsOver) {
  const std::string made = Layer{.channels = 40, .filters = 50, .height = 27, .width = 27, .stride = 2}.scheduled();
  EXPECT_NE(made.find("pack columns as [tile][k][column], line by line"), std::string::npos) << made;
  EXPECT_NE(made.find("sums stay in one tile"), std::string::npos) << made;
  for (const int64_t stride : {1, 2, 3})
    for (const auto& [height, width] : {std::pair{1, 23}, {7, 9}, {13, 37}})
      for (const auto& [channels, filters] : {std::pair{1, 1}, {3, 7}, {270, 13}})
        EXPECT_EQ(compare_schedules(Layer{channels, filters, height, width, stride}.text(), {}), "")
            << channels << " " << filters << " " << height << " " << width << " " << stride;
}

TEST(SingleElements, WhatAStrideStepsOverDoesNotArrive) {
  const Layer layer{.channels = 19, .filters = 11, .height = 9, .width = 21, .stride = 2};
  std::vector<float> x(19 * 9 * 21);
  const float missing[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()};
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t row = i / 21 % 9, column = i % 21;
    x[i] = row % 2 == 1 || column % 2 == 1 ? missing[i % 2] : std::sin(static_cast<float>(i));
  }
  const auto image = ir::HostArray::of<float>(ir::DType::f32, {19, 9, 21}, x);
  for (const machine::CpuTarget& cpu : machine::kCpuTargets)
    EXPECT_EQ(compare_all({{parse_kernel(layer.text()).value(), {}, {image}}}, {cpu, cpu}), "");
}

/// The loop of a window of one step has the coefficient of neighbours in both operands.
TEST(SingleElements, RowsThatLieAcrossTheDepthArePacked) {
  const Layer layer{.channels = 60, .filters = 90, .height = 5, .width = 7, .are_filters_in_panels = true};
  const std::string made = layer.scheduled();
  EXPECT_NE(made.find("read columns in place"), std::string::npos) << made;
  EXPECT_NE(made.find("pack rows as [tile][k][row]"), std::string::npos) << made;
  for (const int64_t stride : {1, 2})
    for (const auto& [height, width] : {std::pair{1, 1}, {3, 3}, {7, 7}})
      for (const int64_t filters : {17, 48, 101})
        EXPECT_EQ(compare_schedules(Layer{29, filters, height, width, stride, true}.text(), {}), "")
            << filters << " " << height << " " << width << " " << stride;
}

TEST(SingleElements, AResidualIsFetchedBeforeTheSumsWhereNoCacheKeepsIt) {
  const Layer large{.channels = 5, .filters = 97, .height = 29, .width = 27};
  EXPECT_TRUE(large.prefetches("prefetch %r")) << large.scheduled();
  EXPECT_FALSE(large.prefetches("prefetch %y")) << large.scheduled();
  EXPECT_EQ(compare_schedules(large.text(), {}), "");
  const Layer small{.channels = 5, .filters = 40, .height = 29, .width = 27};
  EXPECT_FALSE(small.prefetches("prefetch")) << small.scheduled();
  const Layer alike{.channels = 5, .filters = 97, .height = 29, .width = 27, .has_residual = false};
  EXPECT_FALSE(alike.prefetches("prefetch")) << alike.scheduled();
}

TEST(SingleElements, AFewTasksAreAsManyForEachOfFourThreads) {
  const Layer large{.channels = 64, .filters = 64, .height = 56, .width = 56};
  EXPECT_NE(large.scheduled().find("parallel task in 0..8 {"), std::string::npos) << large.scheduled();
  const Layer many{.channels = 64, .filters = 64, .height = 112, .width = 225};
  EXPECT_NE(many.scheduled().find("parallel task in 0..50 {"), std::string::npos) << many.scheduled();
  for (const int64_t width : {56, 57, 61}) EXPECT_EQ(compare_schedules(Layer{2, 3, 56, width}.text(), {}), "") << width;
}

TEST(SingleElements, ColumnsThatNoCacheKeepsAreFetchedWhileTheTileBeforeThemIsMultiplied) {
  const Layer large{.channels = 261, .filters = 270, .height = 1, .width = 19, .are_filters_in_panels = true};
  EXPECT_TRUE(large.prefetches("prefetch %w")) << large.scheduled();
  EXPECT_EQ(compare_schedules(large.text(), {}), "");
  const Layer small{.channels = 40, .filters = 270, .height = 1, .width = 19, .are_filters_in_panels = true};
  EXPECT_FALSE(small.prefetches("prefetch %w")) << small.scheduled();
}

}  // namespace
}  // namespace strata::compiler
