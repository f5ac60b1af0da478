// The cost model's trees on functions that are known.
#include "strata/compiler/tune/boosted_trees.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/base/random/splitmix64.h"

namespace strata::compiler::tune {
namespace {

struct Rows {
  FeatureTable table{3};
  std::vector<double> targets;
};

/// Two features that matter and one that doesn't.
Rows rows_of(uint64_t seed, int count, double (*function)(double, double)) {
  base::SplitMix64 random(seed);
  Rows made;
  for (int i = 0; i < count; ++i) {
    const float row[] = {static_cast<float>(4 * random.unit()), static_cast<float>(4 * random.unit()),
                         static_cast<float>(random.unit())};
    made.table.add(row);
    made.targets.push_back(function(row[0], row[1]));
  }
  return made;
}

double valley(double a, double b) { return (a - 1) * (a - 1) + 2 * std::fabs(b - 2) + (a > 3 && b > 3 ? 4 : 0); }

std::vector<double> predictions(const BoostedTrees& trees, const FeatureTable& table) {
  std::vector<double> made;
  for (size_t r = 0; r < table.rows(); ++r) made.push_back(trees.predict(table.row(r)));
  return made;
}

TEST(BoostedTrees, SquaredErrorComesNearToAFunctionOnRowsThatItDidNotSee) {
  const Rows seen = rows_of(1, 1000, valley), other = rows_of(2, 300, valley);
  const BoostedTrees trees = BoostedTrees::fit(seen.table, seen.targets);
  const std::vector<double> found = predictions(trees, other.table);
  double error = 0, spread = 0, mean = 0;
  for (const double t : other.targets) mean += t / static_cast<double>(other.targets.size());
  for (size_t i = 0; i < found.size(); ++i) {
    error += (found[i] - other.targets[i]) * (found[i] - other.targets[i]);
    spread += (mean - other.targets[i]) * (mean - other.targets[i]);
  }
  EXPECT_LT(error, 0.03 * spread);
}

TEST(BoostedTrees, RanksWithinGroupsWhoseLevelsDiffer) {
  // A kernel that takes a second beside one that takes a microsecond: only the order within each can be learnt.
  Rows seen = rows_of(3, 800, valley);
  const Rows other = rows_of(4, 300, valley);
  std::vector<int> groups;
  for (size_t i = 0; i < seen.targets.size(); ++i) {
    groups.push_back(static_cast<int>(i % 4));
    seen.targets[i] += 1000.0 * static_cast<double>(i % 4);
  }
  const BoostedTrees trees = BoostedTrees::fit(seen.table, seen.targets, groups, {.loss = BoostLoss::PairwiseRank});
  EXPECT_GT(rank_correlation(predictions(trees, other.table), other.targets), 0.9);
}

TEST(BoostedTrees, TheSameRowsGiveTheSameTrees) {
  const Rows seen = rows_of(5, 200, valley);
  for (const BoostLoss loss : {BoostLoss::SquaredError, BoostLoss::PairwiseRank})
    EXPECT_EQ(predictions(BoostedTrees::fit(seen.table, seen.targets, {}, {.loss = loss}), seen.table),
              predictions(BoostedTrees::fit(seen.table, seen.targets, {}, {.loss = loss}), seen.table));
}

TEST(BoostedTrees, SeeNothingWhereThereIsNothingToSee) {
  EXPECT_EQ(BoostedTrees::fit(FeatureTable(2), {}).predict(std::vector<float>{1, 2}), 0);
  FeatureTable alike(1);
  for (int i = 0; i < 20; ++i) alike.add(std::vector<float>{3});
  std::vector<double> targets(20, 7.5);
  const BoostedTrees constant = BoostedTrees::fit(alike, targets);
  EXPECT_EQ(constant.predict(std::vector<float>{3}), 7.5);
  EXPECT_EQ(constant.trees(), 0u);
  FeatureTable one(1);
  one.add(std::vector<float>{1});
  const std::vector<double> single{2};
  EXPECT_EQ(BoostedTrees::fit(one, single).predict(std::vector<float>{99}), 2);
}

TEST(BoostedTrees, TakeValuesThatAreNoNumbersAndInfinities) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  FeatureTable table(1);
  std::vector<double> targets;
  for (int i = 0; i < 30; ++i) {
    table.add(std::vector<float>{i % 3 == 0 ? kNan : i % 3 == 1 ? -1.f : kInf});
    targets.push_back(i % 3 == 2 ? 1 : 0);
  }
  const BoostedTrees trees = BoostedTrees::fit(table, targets);
  EXPECT_GT(trees.predict(std::vector<float>{kInf}), 0.9);
  EXPECT_LT(trees.predict(std::vector<float>{-kInf}), 0.1);
  EXPECT_EQ(trees.predict(std::vector<float>{kNan}), trees.predict(std::vector<float>{-5}));
}

TEST(BoostedTrees, RefuseRowsOfAnotherLength) {
  FeatureTable table(2);
  EXPECT_EQ(base::message_of([&] { table.add(std::vector<float>{1}); }),
            "error[E0900]: a row of features of another length");
  table.add(std::vector<float>{1, 2});
  EXPECT_EQ(base::message_of([&] { BoostedTrees::fit(table, {}); }), "error[E0900]: a target for each row");
}

TEST(RankCorrelation, KnowsOrderTiesAndConstants) {
  const std::vector<double> up{1, 2, 3, 4}, curved{1, 10, 11, 100}, down{4, 3, 2, 1}, flat{5, 5, 5, 5},
      tied{1, 1, 2, 2};
  EXPECT_DOUBLE_EQ(rank_correlation(up, curved), 1);
  EXPECT_DOUBLE_EQ(rank_correlation(up, down), -1);
  EXPECT_EQ(rank_correlation(up, flat), 0);
  EXPECT_NEAR(rank_correlation(up, tied), 0.894427, 1e-6);
  EXPECT_EQ(rank_correlation({}, {}), 0);
}

}  // namespace
}  // namespace strata::compiler::tune
