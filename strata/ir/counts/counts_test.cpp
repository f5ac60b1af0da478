#include "strata/ir/counts/counts.h"

#include <gtest/gtest.h>

#include "strata/ir/dim.h"

namespace strata::ir {
namespace {

const Dim B = Dim::symbol("B"), N = Dim::symbol("N"), M = Dim::symbol("M");

Facts counting_to(Dim capacity) {
  Facts facts;
  facts.add({"N", 0, capacity.is_constant() ? capacity.constant() : INT64_MAX, 1, capacity});
  return facts;
}

TEST(Counts, FactsBoundACountByItsCapacity) {
  const Facts facts = counting_to(12);
  EXPECT_EQ(facts.range(N), std::pair(int64_t{0}, int64_t{12}));
  EXPECT_EQ(facts.range(Dim(12) - N).first, 0);
  EXPECT_TRUE(facts.mentions_count(N * 4 + B));
  EXPECT_FALSE(facts.mentions_count(B));
}

TEST(Counts, FactsTieACountToASymbolicCapacity) {
  const Facts facts = counting_to(B * 2);
  EXPECT_EQ(facts.range(B * 2 - N).first, 0);
  EXPECT_EQ(facts.range(B * 6 - N * 3).first, 0);
  EXPECT_LT(facts.range(B - N).first, 0) << "N may be B*2";
  EXPECT_LE(facts.range(N - B * 2).second, 0);
  EXPECT_LT(facts.range(N - 1).first, 0);
}

TEST(Counts, JoinedFactsKeepTheCapacity) {
  Facts facts = counting_to(B);
  facts.add({"N", 0, 7, 1});
  EXPECT_TRUE(facts.of("N").is_counted());
  EXPECT_EQ(facts.of("N").highest, 7);
}

/// A graph whose facts say what the bounds ask about.
struct Bounds {
  Graph graph;
  Count counts[2] = {{"N", B * 3}, {"M", N}};
  CountBounds of() { return {graph, counts}; }
};

TEST(Counts, TheLargestFormulaHoldsForEveryCount) {
  Bounds bounds;
  const CountBounds counts = bounds.of();
  EXPECT_EQ(counts.largest(N * 4), B * 12);
  EXPECT_EQ(counts.largest(B * 3 - N), B * 3) << "largest where the count is 0";
  EXPECT_EQ(counts.largest(M * B), B * B * 3) << "a capacity may be a count itself";
  EXPECT_EQ(counts.largest(B + 1), B + 1);
  for (Dim d : {N * N - N * 2, floor_div(N, 2) * 8, mod(N, 4) * B, max(N, M) - min(N, B), floor_div(B * 8, max(N, 1)),
                ceil_div(N, 3) * M}) {
    const Dim largest = counts.largest(d);
    EXPECT_FALSE(counts.mentions(largest)) << largest.str();
    for (int64_t b : {0, 1, 2, 5})
      for (int64_t n = 0; n <= b * 3; ++n)
        for (int64_t m = 0; m <= n; ++m) {
          const auto value = [&](std::string_view s) { return s == "B" ? b : s == "N" ? n : m; };
          EXPECT_LE(d.evaluate(value), largest.evaluate(value)) << d.str() << " of " << b << " " << n << " " << m;
        }
  }
}

TEST(Counts, AFreshNameStandsForNothingInTheGraph) {
  Graph graph;
  EXPECT_EQ(fresh_count_name(graph), "N");
  graph.add_parameter(Type::of(DType::f32, {N * 2}));
  EXPECT_EQ(fresh_count_name(graph), "N1");
  graph.facts().add({"N1", 0, 5, 1});
  EXPECT_EQ(fresh_count_name(graph), "N2");
}

}  // namespace
}  // namespace strata::ir
