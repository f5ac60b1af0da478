#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/terminal/bar_line.h"
#include "strata/base/terminal/display_width.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/terminal/table.h"

namespace strata::base {
namespace {

/// A screen that keeps what was written, with a clock that the test moves.
struct FakeScreen {
  std::string text;
  double now = 100;
  int columns = 80;

  Screen screen(bool terminal) {
    Screen screen;
    screen.write = [this](std::string_view bytes) { text += bytes; };
    screen.is_terminal = terminal;
    screen.columns = [this] { return columns; };
    screen.now_seconds = [this] { return now; };
    return screen;
  }
  std::string take() { return std::exchange(text, ""); }
};

TEST(Format, CountsBytesAndRatesHaveTwoOrThreeDigits) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(950), "950");
  EXPECT_EQ(count_text(999.6), "1 k");
  EXPECT_EQ(count_text(2.8e6), "2.8 M");
  EXPECT_EQ(count_text(124e6), "124 M");
  EXPECT_EQ(count_text(9.96), "10");
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(33.2e6), "33 MB");
  EXPECT_EQ(bytes_text(1.5e9), "1.5 GB");
  EXPECT_EQ(rate_text(8100, "tok"), "8.1 k tok/s");
}

TEST(Format, DurationsChangeTheirUnit) {
  EXPECT_EQ(duration_text(840e-9), "840 ns");
  EXPECT_EQ(duration_text(12e-6), "12 us");
  EXPECT_EQ(duration_text(3.4e-3), "3.4 ms");
  EXPECT_EQ(duration_text(2.5), "2.5 s");
  EXPECT_EQ(duration_text(84), "1:24");
  EXPECT_EQ(clock_text(7), "0:07");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(7384), "2:03:04");
  EXPECT_EQ(clock_text(3 * 86400 + 4 * 3600 + 300), "3 d 4:05");
  EXPECT_EQ(clock_text(-1), "?");
}

TEST(DisplayWidth, KnowsWideCombiningAndEscapes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("é█"), 2u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("\x1b[31mred\x1b[0m"), 3u);
  EXPECT_EQ(display_width("\xff\xfe"), 2u);
}

TEST(DisplayWidth, CutsAndPadsByColumns) {
  EXPECT_EQ(fit_to("abcdef", 6), "abcdef");
  EXPECT_EQ(fit_to("abcdef", 4), "abc…");
  EXPECT_EQ(fit_to("日本語", 4), "日…");
  EXPECT_EQ(fit_to("abc", 0), "");
  EXPECT_EQ(fit_to("\x1b[31mabcdef\x1b[0m", 3), "\x1b[31mab…\x1b[0m");
  EXPECT_EQ(pad_to("日", 4, Align::Right), "  日");
  EXPECT_EQ(pad_to("long", 2), "long");
}

TEST(Table, AlignsColumnsByWidth) {
  Table table({{"model"}, {"tok/s", Align::Right}});
  table.add({"日本", "8.1 k"});
  table.add({"gpt"});
  EXPECT_EQ(table.text(), "model  tok/s\n─────  ─────\n日本   8.1 k\ngpt\n");
  EXPECT_EQ(table.markdown(), "| model | tok/s |\n|---|---:|\n| 日本 | 8.1 k |\n| gpt |  |\n");
  EXPECT_THROW(table.add({"a", "b", "c"}), Error);
}

TEST(Progress, DrawsOneLineOnATerminalAtMostTenTimesASecond) {
  FakeScreen fake;
  ProgressBar bar({.label = "step", .total = 20, .unit = "tok"}, fake.screen(true));
  bar.show("loss", 3.41234);
  fake.now += 0.05;
  bar.advance(1, 100);
  EXPECT_EQ(fake.take(), "");
  fake.now += 0.95;
  bar.advance(1, 100);
  EXPECT_EQ(fake.take(), "\rstep  2/20  ███░░░░░░░░░░░░░░░░░░░░░░░░░░░  loss 3.412  200 tok/s  ETA 0:09\x1b[K");
}

TEST(Progress, FitsEveryWidth) {
  for (int columns : {10, 20, 30, 40, 60, 79, 200}) {
    FakeScreen fake;
    fake.columns = columns;
    ProgressBar bar({.label = "step", .total = 1000}, fake.screen(true));
    bar.show("loss", 3.4);
    bar.show("validation", 3.4);
    fake.now += 1;
    bar.advance(500);
    EXPECT_LT(display_width(fake.take()) - 1, static_cast<size_t>(columns)) << columns;  // less the \r
  }
}

TEST(Progress, WritesPlainLinesNowAndThenElsewhere) {
  FakeScreen fake;
  ProgressBar bar({.label = "step", .total = 100}, fake.screen(false));
  for (int i = 0; i < 100; ++i) {
    fake.now += 0.13;
    bar.advance();
  }
  bar.finish();
  bar.finish();
  const std::string text = fake.take();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;  // at 5 s, at 10 s and at the end
  EXPECT_EQ(text.find_first_of("\r\x1b"), std::string::npos);
  EXPECT_NE(text.find("step 100/100  7.7 step/s\n"), std::string::npos) << text;
}

TEST(Progress, RateFollowsTheLastStretch) {
  FakeScreen fake;
  ProgressBar bar({.total = 0, .rate_window_seconds = 5}, fake.screen(true));
  fake.now += 60;  // the first item is slow: it compiles
  bar.advance();
  for (int i = 0; i < 100; ++i) {
    fake.now += 0.2;
    bar.advance();
  }
  EXPECT_NEAR(bar.rate(), 5, 0.2);
}

TEST(Progress, LargeAndSmallValuesUsePowers) {
  FakeScreen fake;
  ProgressBar bar({.label = "s"}, fake.screen(false));
  bar.show("lr", 3e-5);
  bar.show("n", 0.0);
  bar.show("big", 1.5e9);
  bar.finish();
  EXPECT_EQ(fake.take(), "s 0  lr 3.00e-05  n 0  big 1.50e+09\n");
}

TEST(BarLine, OtherLinesGoAboveTheBar) {
  FakeScreen fake;
  const Screen screen = fake.screen(true);
  BarLine line(screen);
  line.write_above("first");
  line.draw("bar");
  line.write_above("second");
  line.end();
  line.end();
  EXPECT_EQ(fake.take(), "first\n\rbar\x1b[K\r\x1b[Ksecond\nbar\n");
}

TEST(Screen, StylesOnlyWithColour) {
  Screen screen;
  EXPECT_EQ(styled(screen, Style::Red, "x"), "x");
  screen.colour = true;
  EXPECT_EQ(styled(screen, Style::Red, "x"), "\x1b[31mx\x1b[0m");
}

TEST(Screen, NoColorTurnsColourOff) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(Screen::standard_error().colour);
  ::unsetenv("NO_COLOR");
}

}  // namespace
}  // namespace strata::base
