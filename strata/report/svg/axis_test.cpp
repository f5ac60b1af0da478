#include "strata/report/svg/axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace strata::report {
namespace {

std::string labels(const AxisView& view) {
  std::string out;
  for (const Tick& tick : view.ticks) out += (out.empty() ? "" : " ") + tick.label;
  return out;
}

TEST(Axis, TicksStandOnRoundNumbers) {
  EXPECT_EQ(labels(settle_axis({.label = "x"}, {0, 10}, 0, 5)), "0 2 4 6 8 10");
  EXPECT_EQ(labels(settle_axis({.label = "x"}, {2.13, 2.31}, 0, 5)), "2.15 2.20 2.25 2.30");
  EXPECT_EQ(labels(settle_axis({.label = "x"}, {-1, 1}, 0, 4)), "-1.0 -0.5 0 0.5 1.0");
  EXPECT_EQ(labels(settle_axis({.label = "x"}, {0, 1}, 0, 4)), "0 0.25 0.50 0.75 1.00");
}

TEST(Axis, LargeAndSmallNumbersGetSuffixOrExponent) {
  EXPECT_EQ(labels(settle_axis({.label = "step"}, {0, 60000}, 0, 6)), "0 10k 20k 30k 40k 50k 60k");
  EXPECT_EQ(labels(settle_axis({.label = "step"}, {0, 3e6}, 0, 3)), "0 1M 2M 3M");
  EXPECT_EQ(labels(settle_axis({.label = "rate"}, {0, 3e-4}, 0, 3)), "0 1e-4 2e-4 3e-4");
}

TEST(Axis, OneUnitPrefixServesAllTicks) {
  const AxisView bytes = settle_axis({.label = "memory", .unit = "B"}, {0, 8.0 * 1024 * 1024}, 0, 4);
  EXPECT_EQ(bytes.label, "memory (MiB)");
  EXPECT_EQ(labels(bytes), "0 2 4 6 8");
  const AxisView time = settle_axis({.label = "time", .unit = "s"}, {0, 600}, 0, 5);
  EXPECT_EQ(time.label, "time (min)");
  EXPECT_EQ(labels(time), "0 2 4 6 8 10");
  EXPECT_EQ(settle_axis({.label = "rate", .unit = "tok/s"}, {0, 9000}, 0, 5).label, "rate (k tok/s)");
  EXPECT_EQ(settle_axis({.label = "", .unit = "s"}, {0, 0.002}, 0, 5).label, "ms");
}

TEST(Axis, LogTicksAreDecadesOrOneTwoFive) {
  EXPECT_EQ(labels(settle_axis({.scale = Scale::Log}, {1, 1e4}, 0, 6)), "1 10 100 1000 10k");
  EXPECT_EQ(labels(settle_axis({.scale = Scale::Log}, {1, 20}, 0, 6)), "1 2 5 10 20");
  EXPECT_EQ(labels(settle_axis({.scale = Scale::Log}, {1e-6, 1}, 0, 4)), "1e-6 1e-4 0.01 1");
  EXPECT_EQ(labels(settle_axis({.scale = Scale::Log}, {2, 3}, 0, 5)), "2.0 2.2 2.4 2.6 2.8 3.0");
}

TEST(Axis, PositionsRunFromZeroToOne) {
  const AxisView linear = settle_axis({}, {-2, 6}, 0, 4);
  EXPECT_DOUBLE_EQ(linear.position(-2), 0);
  EXPECT_DOUBLE_EQ(linear.position(2), 0.5);
  const AxisView log = settle_axis({.scale = Scale::Log}, {1, 100}, 0, 4);
  EXPECT_DOUBLE_EQ(log.position(10), 0.5);
}

TEST(Axis, AnyExtentGivesAFiniteRangeAndFewTicks) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  for (const Extent data : {Extent{}, Extent{5, 5}, Extent{0, 0}, Extent{-1e300, 1e300}, Extent{tiny, tiny},
                            Extent{1, std::nextafter(1.0, 2.0)}, Extent{0, tiny}, Extent{1e300, 1e300}}) {
    for (const Scale scale : {Scale::Linear, Scale::Log}) {
      if (scale == Scale::Log && !data.empty() && data.low <= 0) continue;
      const AxisView view = settle_axis({.scale = scale}, data, 0.05, 5);
      EXPECT_LT(view.low, view.high);
      EXPECT_TRUE(std::isfinite(view.low) && std::isfinite(view.high) && std::isfinite(view.high - view.low));
      EXPECT_LE(view.ticks.size(), 24u);
      for (const Tick& tick : view.ticks) EXPECT_TRUE(std::isfinite(view.position(tick.value))) << tick.label;
    }
  }
}

TEST(Axis, FixedEndsAreKept) {
  const AxisView view = settle_axis({.low = 0, .high = 1}, {0.4, 0.9}, 0.05, 5);
  EXPECT_EQ(view.low, 0);
  EXPECT_EQ(view.high, 1);
}

TEST(Axis, LogScaleTakesOnlyPositiveFiniteValues) {
  EXPECT_TRUE(drawable(1e-12, Scale::Log));
  EXPECT_FALSE(drawable(0, Scale::Log));
  EXPECT_FALSE(drawable(std::nan(""), Scale::Linear));
  EXPECT_FALSE(drawable(-INFINITY, Scale::Linear));
  EXPECT_FALSE(drawable(1.5e308, Scale::Linear));
}

TEST(ReadableNumber, SaysWhatPeopleWrite) {
  EXPECT_EQ(readable_number(0), "0");
  EXPECT_EQ(readable_number(0.9123), "0.9123");
  EXPECT_EQ(readable_number(2.5), "2.5");
  EXPECT_EQ(readable_number(1234), "1234");
  EXPECT_EQ(readable_number(61706), "61.71k");
  EXPECT_EQ(readable_number(2.8e6), "2.8M");
  EXPECT_EQ(readable_number(-3e-4), "-0.0003");
  EXPECT_EQ(readable_number(3e-5), "3e-05");
  EXPECT_EQ(readable_number(std::nan("")), "nan");
  EXPECT_EQ(readable_number(-INFINITY), "-inf");
}

}  // namespace
}  // namespace strata::report
