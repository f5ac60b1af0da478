#include "strata/ir/dim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace strata::ir {
namespace {

const Dim B = Dim::symbol("B"), S = Dim::symbol("S");

TEST(Dim, EqualPolynomialsAreTheSameWord) {
  EXPECT_EQ(B * 4 + 4, (B + 1) * 4);
  EXPECT_EQ((B + S) * (B - S), B * B - S * S);
  EXPECT_EQ(B - B, Dim(0));
  EXPECT_EQ(floor_div(B * 4 + 6, 2), B * 2 + 3);
  EXPECT_EQ(floor_div(B - 1, 2) + 1, floor_div(B + 1, 2));
  EXPECT_EQ(floor_div(B * 4 + 2, 6), floor_div(B * 2 + 1, 3));
  EXPECT_EQ(floor_div(floor_div(B, 2) + 1, 3), floor_div(B + 2, 6));
  EXPECT_EQ(floor_div(B * S * 6, S * 2), B * 3);
  EXPECT_EQ(floor_div(B * 4 + S * 4, B + S), Dim(4));
  EXPECT_EQ(mod(B * 4 + 9, 4), Dim(1));
  EXPECT_EQ(mod(B * 6, 4), mod(B * 3, 2) * 2);
  EXPECT_EQ(ceil_div(B, 1), B);
  EXPECT_EQ(min(B, B + 1), B);
  EXPECT_EQ(max(B, S), max(S, B));
  EXPECT_NE(B, S);
  EXPECT_EQ(B.symbol_name(), "B");
  EXPECT_FALSE((B + 1).symbol_name());
  EXPECT_FALSE((B * 2).symbol_name());
}

TEST(Dim, ConstantsKeepTheirSign) {
  EXPECT_EQ(Dim(-5).constant(), -5);
  EXPECT_EQ(floor_div(Dim(-5), 2), Dim(-3));
  EXPECT_EQ(mod(Dim(-5), 3), Dim(1));
  EXPECT_EQ(floor_div(Dim(5), Dim(0)), Dim(0));
}

TEST(Dim, TextPrintsSortedAndReadsBack) {
  EXPECT_EQ((B * 4 + 1).str(), "B*4 + 1");
  EXPECT_EQ((Dim(1) - B + S * B * 2).str(), "B*S*2 - B + 1");
  EXPECT_EQ((Dim(0) - B).str(), "-B");
  EXPECT_EQ(floor_div(B - 1, 2).str(), "floordiv(B + 1, 2) - 1");
  for (const Dim d : {B * 4 + 1, Dim(-3), floor_div(B - 1, S), mod(max(B, S) * B, 7) - S, min(B * B, S) * -2})
    EXPECT_EQ(*parse_dim(d.str()), d) << d.str();
  EXPECT_EQ(*parse_dim("2*(B + 3) - ceildiv(B, 2)"), B * 2 + 6 - ceil_div(B, 2));
}

TEST(Dim, BadTextIsRefusedAndNeverCrashes) {
  for (const char* text : {"", "B +", "B B", "4x", "(B", "floordiv(B)", "flordiv(B, 2)", "99999999999999999999", "B*-2",
                           "-", "4611686018427387903*4", "B % 2"})
    EXPECT_FALSE(parse_dim(text).ok()) << text;
  EXPECT_FALSE(parse_dim(std::string(100'000, '(')).ok());
  std::string square = "(A+B+C+D)";
  for (int i = 0; i < 40; ++i) square += "*(A+B+C+D)";
  EXPECT_FALSE(parse_dim(square).ok());
  const auto near = parse_dim("flordiv(B, 2)");
  EXPECT_NE(near.error().text().find("did you mean 'floordiv'"), std::string::npos);
  size_t at = 4;
  EXPECT_EQ(*parse_dim_prefix("f32[B*2, 7]", at), B * 2);
  EXPECT_EQ(at, 7u);
}

TEST(Dim, WordsOfTheLoopLanguageAreNoNames) {
  for (const char* word : {"if", "for", "in", "where", "parallel", "true", "inf", "step"}) {
    const auto read = parse_dim(fmt::format("B + {}", word));
    ASSERT_FALSE(read.ok()) << word;
    EXPECT_NE(read.error().text().find(fmt::format("'{}' as a name, which is a word of the loop language", word)),
              std::string::npos)
        << read.error().text();
  }
  EXPECT_EQ(parse_dim("inf_")->str(), "inf_");
  EXPECT_EQ(parse_dim("If")->str(), "If");
}

TEST(Dim, ALiteralDivisorIsPositive) {
  for (const char* text : {"floordiv(B, 0)", "mod(B, 0)", "ceildiv(B, 0)", "mod(B, 2 - 5)", "mod(B, S - S)"}) {
    const auto read = parse_dim(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code(), "E0122");
    EXPECT_NE(read.error().text().find("expected a divisor of 1 or more"), std::string::npos) << read.error().text();
  }
}

TEST(Dim, OverflowIsAnErrorAndNotUndefined) {
  const Dim large(int64_t{1} << 61);
  EXPECT_THROW(large + large, base::Error);
  EXPECT_THROW(large * B * large, base::Error);
  EXPECT_THROW((B * large).evaluate([](auto) { return int64_t{4}; }), base::Error);
}

TEST(Dim, HashIsOfTheStructureAlone) {
  EXPECT_EQ((B * 4 + 4).hash(), ((B + 1) * 4).hash());
  EXPECT_NE(B.hash(), S.hash());
  EXPECT_NE(Dim(1).hash(), Dim(2).hash());
  EXPECT_NE(floor_div(B, S).hash(), floor_div(S, B).hash());
  EXPECT_EQ((B * S + mod(B, 3)).hash().hex(), (mod(B, 3) + S * B).hash().hex());
}

/// A random dimension beside the plain arithmetic that it stands for.
struct Sample {
  Dim dim;
  std::function<int64_t(int64_t, int64_t)> value;
};

Sample random_sample(std::mt19937& random, int depth) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  if (depth == 0 || pick(5) == 0) {
    const int64_t c = pick(13) - 4;
    switch (pick(3)) {
      case 0:
        return {B, [](int64_t b, int64_t) { return b; }};
      case 1:
        return {S, [](int64_t, int64_t s) { return s; }};
      default:
        return {Dim(c), [c](int64_t, int64_t) { return c; }};
    }
  }
  const Sample x = random_sample(random, depth - 1), y = random_sample(random, depth - 1);
  const int64_t by = 1 + pick(6);
  const auto f = x.value, g = y.value;
  const auto quotient = [](int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  switch (pick(7)) {
    case 0:
      return {x.dim + y.dim, [=](int64_t b, int64_t s) { return f(b, s) + g(b, s); }};
    case 1:
      return {x.dim - y.dim, [=](int64_t b, int64_t s) { return f(b, s) - g(b, s); }};
    case 2:
      return {x.dim * y.dim, [=](int64_t b, int64_t s) { return f(b, s) * g(b, s); }};
    case 3:
      return {floor_div(x.dim, by), [=](int64_t b, int64_t s) { return quotient(f(b, s), by); }};
    case 4:
      return {mod(x.dim, by), [=](int64_t b, int64_t s) { return f(b, s) - by * quotient(f(b, s), by); }};
    case 5:
      return {min(x.dim, y.dim), [=](int64_t b, int64_t s) { return std::min(f(b, s), g(b, s)); }};
    default:
      return {max(x.dim, y.dim), [=](int64_t b, int64_t s) { return std::max(f(b, s), g(b, s)); }};
  }
}

TEST(Dim, RandomDimensionsKeepTheirValueTextAndRange) {
  std::mt19937 random(7);
  Facts facts;
  facts.add({"B", 1, 40});
  facts.add({"S", 0, 25, 5});
  for (int i = 0; i < 1500; ++i) {
    const Sample sample = random_sample(random, 4);
    ASSERT_EQ(*parse_dim(sample.dim.str()), sample.dim) << sample.dim.str();
    const auto [low, high] = facts.range(sample.dim);
    for (int64_t b : {1, 2, 7, 40})
      for (int64_t s : {0, 5, 25}) {
        const int64_t value = sample.dim.evaluate([&](std::string_view name) { return name == "B" ? b : s; });
        ASSERT_EQ(value, sample.value(b, s)) << sample.dim.str() << " B=" << b << " S=" << s;
        ASSERT_TRUE(low <= value && value <= high) << sample.dim.str() << " in " << low << ".." << high;
        const Dim put = sample.dim.substitute([&](std::string_view name) { return Dim(name == "B" ? b : s); });
        ASSERT_EQ(put, Dim(value)) << sample.dim.str();
        for (int64_t by : {2, 3, 5})
          if (facts.proves_divisible(sample.dim, by)) {
            ASSERT_EQ(value % by, 0) << sample.dim.str() << " by " << by;
          }
      }
  }
}

TEST(Facts, ProofsUseRangesAndDivisibility) {
  Facts facts;
  facts.add({"B", 1});
  facts.add({"S", 4, 1000, 6});
  facts.add({"S", 0, INT64_MAX, 4});
  EXPECT_EQ(facts.of("S"), (SymbolFact{"S", 12, 996, 12}));
  EXPECT_EQ(facts.range(B).first, 1);
  EXPECT_EQ(facts.range(B - 1).first, 0);
  EXPECT_GE(facts.range(B - floor_div(B, 4) * 4).first, 0);
  EXPECT_GE(facts.range(ceil_div(B, 4) * 4 - B).first, 0);
  EXPECT_LE(facts.range(mod(B, 8)).second, 7);
  EXPECT_TRUE(facts.proves_divisible(S * B, 12));
  EXPECT_FALSE(facts.proves_divisible(S + 6, 4));
  EXPECT_TRUE(facts.proves_divisible(Dim(0), 4));
  EXPECT_EQ(facts.range(B), (std::pair<int64_t, int64_t>{1, INT64_MAX}));
  EXPECT_EQ(facts.range(Dim::symbol("unknown")).first, 0);
}

TEST(Dim, MayBeMadeInManyThreads) {
  std::vector<std::thread> threads;
  std::vector<Dim> made(4);
  for (size_t t = 0; t < made.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) made[t] = floor_div(Dim::symbol("T" + std::to_string(i)) * 3 + i, 7);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Dim d : made) EXPECT_EQ(d, made[0]);
}

}  // namespace
}  // namespace strata::ir
