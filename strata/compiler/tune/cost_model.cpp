#include "strata/compiler/tune/cost_model.h"

#include <algorithm>
#include <limits>
#include <map>

#include "strata/compiler/tune/features.h"

namespace strata::compiler::tune {

CostModel::CostModel() : table_(feature_names().size()) {}

void CostModel::add(int group, std::span<const float> features, double relative) {
  table_.add(features);
  groups_.push_back(group);
  relatives_.push_back(relative);
}

void CostModel::fit() {
  if (table_.rows() < kLeast) return;
  std::map<int, double> best;
  for (size_t r = 0; r < groups_.size(); ++r) {
    const auto [known, is_new] = best.emplace(groups_[r], relatives_[r]);
    if (!is_new) known->second = std::min(known->second, relatives_[r]);
  }
  // The share of the speed of the kernel's best: 1 for that, 0 for what failed.
  std::vector<double> targets;
  for (size_t r = 0; r < groups_.size(); ++r) {
    const double relative = relatives_[r];
    targets.push_back(relative == std::numeric_limits<double>::infinity() ? 0 : best[groups_[r]] / relative);
  }
  trees_ = BoostedTrees::fit(table_, targets, groups_, {.loss = BoostLoss::PairwiseRank});
}

}  // namespace strata::compiler::tune
