// A learned cost model of schedules: which of several is the faster, from features of their loops (features.h) and what
// was measured so far. Kernels share it: what it learns of a loop that leaves the cache holds for all.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/compiler/tune/boosted_trees.h"

namespace strata::compiler::tune {

class CostModel {
 public:
  CostModel();

  /// A candidate of kernel `group` took `relative` of the time of the heuristic's schedule; infinite: it failed.
  void add(int group, std::span<const float> features, double relative);
  /// Learns from all that was added.
  void fit();
  /// Higher: faster. Only to be compared within a kernel. Nothing is told apart before there are kLeast rows.
  double score(std::span<const float> features) const { return trees_.predict(features); }
  bool is_ready() const { return trees_.trees() > 0; }
  size_t rows() const { return table_.rows(); }
  static constexpr size_t kLeast = 12;

 private:
  FeatureTable table_;
  std::vector<int> groups_;
  std::vector<double> relatives_;
  BoostedTrees trees_;
};

}  // namespace strata::compiler::tune
