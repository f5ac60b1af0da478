// Gradient-boosted regression trees: the cost model of the tuner. Each tree is fitted to the gradient of the loss at
// what the trees before it say (Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
// Statistics 29, 2001), with leaves of second order (Chen, Guestrin, "XGBoost", KDD 2016).
//
// A feature's values fall into at most 64 bins of about as many rows each, and a split stands between two bins: a tree
// costs one pass over the rows a level. The same rows in the same order give the same trees.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace strata::compiler::tune {

/// Rows of features, all of one length.
class FeatureTable {
 public:
  explicit FeatureTable(size_t features) : features_(features) {}
  /// E0900 when the row has another length.
  void add(std::span<const float> row);
  size_t rows() const { return features_ == 0 ? 0 : values_.size() / features_; }
  size_t features() const { return features_; }
  std::span<const float> row(size_t r) const { return {values_.data() + r * features_, features_}; }

 private:
  size_t features_;
  std::vector<float> values_;
};

enum class BoostLoss : uint8_t {
  SquaredError,  ///< the prediction is an estimate of the target
  PairwiseRank,  ///< only the order within a group counts: log(1 + exp(-(s_i - s_j))) over pairs with y_i > y_j
};

struct BoostOptions {
  BoostLoss loss = BoostLoss::SquaredError;
  int trees = 60;
  int depth = 5;
  double rate = 0.2;          ///< share of a tree's answer that counts
  double regularisation = 1;  ///< added to the second derivatives of a leaf
  double least_in_leaf = 1;   ///< second derivatives that a leaf needs at least
  int partners = 24;          ///< rows of its group that a row is compared with at most, by PairwiseRank
};

class BoostedTrees {
 public:
  /// `groups`: for each row what it may be compared with, of PairwiseRank; empty: all rows are one group. E0900 when
  /// the lengths differ. Targets are finite.
  static BoostedTrees fit(const FeatureTable& table, std::span<const double> targets, std::span<const int> groups = {},
                          const BoostOptions& options = {});

  /// 0 of a model that saw no rows. A NaN goes where the smallest values go.
  double predict(std::span<const float> row) const;
  size_t trees() const { return roots_.size(); }

 private:
  struct Node {
    int feature = -1;  ///< -1: a leaf
    float threshold = 0;
    int below = 0, above = 0;  ///< nodes; below: value <= threshold, and NaN
    double value = 0;
  };
  class Fitting;

  std::vector<Node> nodes_;
  std::vector<int> roots_;
  double start_ = 0;
};

/// Spearman's rank correlation of two lists of one length, ties at their middle rank; 0 where one list is constant.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace strata::compiler::tune
