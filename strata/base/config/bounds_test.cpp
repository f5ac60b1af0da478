#include "strata/base/config/bounds.h"

#include <gtest/gtest.h>

#include "strata/base/config/schema.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/message_of.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/testing/option_walk.h"
#include "strata/base/threads/background_queue.h"
#include "strata/base/threads/thread_pool.h"

namespace strata::base {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

TEST(Bounds, NothingContainsNaNOrInfinity) {
  for (const Bounds& b : {Bounds::finite(), Bounds::at_least(0), Bounds::above(0), Bounds::between(0, 1)})
    for (double value : {kNaN, kInfinity, -kInfinity}) EXPECT_FALSE(b.contain(value)) << b.text() << value;
}

TEST(Bounds, EndsBelongOrNot) {
  EXPECT_TRUE(Bounds::between(0, 1).contain(0) && Bounds::between(0, 1).contain(1));
  EXPECT_TRUE(Bounds::below(0, 1).contain(0));
  EXPECT_FALSE(Bounds::below(0, 1).contain(1));
  EXPECT_FALSE(Bounds::above(0).contain(0));
  EXPECT_TRUE(Bounds::above(0).contain(5e-324));
}

TEST(Bounds, AreWordsOfTheMessage) {
  auto refusal = [](double value, const Bounds& b) {
    return message_of([&] { OptionCheck(code::kOptionOutOfRange, "sgd").number("momentum", value, b); });
  };
  EXPECT_EQ(refusal(kNaN, Bounds::between(0, 1)), "error[E0760]: sgd: momentum is nan, expected a number from 0 to 1");
  EXPECT_EQ(refusal(kInfinity, Bounds::at_least(0)),
            "error[E0760]: sgd: momentum is inf, expected a finite number of at least 0");
  EXPECT_EQ(refusal(-1, Bounds::above(0)), "error[E0760]: sgd: momentum is -1, expected a number above 0");
  EXPECT_EQ(refusal(1, Bounds::below(0, 1)),
            "error[E0760]: sgd: momentum is 1, expected a number of at least 0, below 1");
  EXPECT_EQ(
      message_of([] { OptionCheck(code::kOptionOutOfRange, "pool").integer("threads", -3, Bounds::between(0, 256)); }),
      "error[E0760]: pool: threads is -3, expected an integer from 0 to 256");
}

TEST(Bounds, AreAConfigurationKeysToo) {
  constexpr Bounds kRate = Bounds::below(0, 1);
  const ConfigKey key = float_key("model.dropout", 0, "").within(kRate);
  EXPECT_EQ(describe_expected(key), "a number of at least 0, below 1");
  EXPECT_FALSE(keeps_bounds(key, 1.0));
  EXPECT_TRUE(keeps_bounds(key, 0.5));
}

TEST(Options, OfThreadsAndProgressAreRefusedByName) {
  Screen screen;
  screen.write = [](std::string_view) {};
  screen.now_seconds = [] { return 0.0; };
  walk_integers(
      {{"threads", [](int64_t v) { ThreadPool pool(static_cast<int>(v)); }, {0}},
       {"workers",
        [](int64_t v) { OrderedProduction({.workers = static_cast<int>(v)}, [](int64_t, size_t) { return false; }); }},
       {"depth",
        [](int64_t v) { BackgroundQueue<int>({.depth = static_cast<int>(v)}, [](int64_t) { return std::nullopt; }); }}},
      {INT32_MIN, -1, 0, INT32_MAX});
  walk_integers({{"total", [&](int64_t v) { ProgressBar({.total = v}, screen); }, {0, INT64_MAX}}});
  walk_numbers({{"redraw_seconds", [&](double v) { ProgressBar({.redraw_seconds = v}, screen); }, {0, 1e300}},
                {"line_seconds", [&](double v) { ProgressBar({.line_seconds = v}, screen); }, {0, 1e300}},
                {"rate_window_seconds", [&](double v) { ProgressBar({.rate_window_seconds = v}, screen); }, {1e300}}});
}

}  // namespace
}  // namespace strata::base
