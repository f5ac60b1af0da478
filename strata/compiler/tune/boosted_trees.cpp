#include "strata/compiler/tune/boosted_trees.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/random/splitmix64.h"

namespace strata::compiler::tune {

namespace {

constexpr size_t kBins = 64;

/// The values between bins of a feature: bin b holds what is above threshold b - 1 and not above threshold b.
std::vector<float> thresholds_of(const FeatureTable& table, size_t feature) {
  std::vector<float> values;
  for (size_t r = 0; r < table.rows(); ++r)
    if (const float v = table.row(r)[feature]; !std::isnan(v)) values.push_back(v);
  std::sort(values.begin(), values.end());
  std::vector<float> thresholds;
  for (size_t b = 1; b < kBins && !values.empty(); ++b) {
    const float edge = values[std::min(values.size() - 1, b * values.size() / kBins)];
    if (edge < values.back() && (thresholds.empty() || edge > thresholds.back())) thresholds.push_back(edge);
  }
  return thresholds;
}

struct Derivatives {
  double first = 0, second = 0;
  Derivatives& operator+=(const Derivatives& o) {
    first += o.first;
    second += o.second;
    return *this;
  }
  friend Derivatives operator-(Derivatives a, const Derivatives& b) { return {a.first - b.first, a.second - b.second}; }
  /// What the loss gains when rows with these derivatives get a leaf of their own.
  double gain(double regularisation) const { return first * first / (second + regularisation); }
};

void require(bool is_right, const char* what) {
  if (!is_right) throw base::Error(base::code::kBug, what);
}

}  // namespace

void FeatureTable::add(std::span<const float> row) {
  require(row.size() == features_, "a row of features of another length");
  values_.insert(values_.end(), row.begin(), row.end());
}

/// One call of fit().
class BoostedTrees::Fitting {
 public:
  Fitting(const FeatureTable& table, std::span<const double> targets, std::span<const int> groups,
          const BoostOptions& options)
      : table_(table), targets_(targets), options_(options), scores_(table.rows()), derivatives_(table.rows()) {
    bins_.resize(table.rows() * table.features());
    for (size_t f = 0; f < table.features(); ++f) {
      thresholds_.push_back(thresholds_of(table, f));
      const std::vector<float>& edges = thresholds_.back();
      for (size_t r = 0; r < table.rows(); ++r) {
        const float v = table.row(r)[f];
        const auto bin = std::isnan(v) ? 0 : std::lower_bound(edges.begin(), edges.end(), v) - edges.begin();
        bins_[r * table.features() + f] = static_cast<uint8_t>(bin);
      }
    }
    group_rows(groups);
  }

  BoostedTrees run() {
    BoostedTrees made;
    if (options_.loss == BoostLoss::SquaredError)
      made.start_ = std::accumulate(targets_.begin(), targets_.end(), 0.0) / static_cast<double>(targets_.size());
    std::fill(scores_.begin(), scores_.end(), made.start_);
    for (int t = 0; t < options_.trees; ++t) {
      options_.loss == BoostLoss::SquaredError ? derive_squares() : derive_ranks(t);
      std::vector<uint32_t> rows(table_.rows());
      std::iota(rows.begin(), rows.end(), 0);
      made.roots_.push_back(grow(made.nodes_, rows, 0));
      if (made.nodes_[made.roots_.back()].feature < 0) {  // nothing is left to be told apart
        made.nodes_.pop_back();
        made.roots_.pop_back();
        break;
      }
    }
    return made;
  }

 private:
  void group_rows(std::span<const int> groups) {
    std::vector<uint32_t> order(table_.rows());
    std::iota(order.begin(), order.end(), 0);
    if (!groups.empty())
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return groups[a] < groups[b]; });
    for (size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || (!groups.empty() && groups[order[i]] != groups[order[i - 1]])) groups_.emplace_back();
      groups_.back().push_back(order[i]);
    }
  }

  void derive_squares() {
    for (size_t r = 0; r < targets_.size(); ++r) derivatives_[r] = {scores_[r] - targets_[r], 1};
  }

  void derive_ranks(int tree) {
    std::fill(derivatives_.begin(), derivatives_.end(), Derivatives());
    base::SplitMix64 random(base::mix_bits(static_cast<uint64_t>(tree) + 1));
    for (const std::vector<uint32_t>& group : groups_) {
      const bool takes_all = group.size() <= static_cast<size_t>(options_.partners);
      for (size_t i = 0; i < group.size(); ++i)
        for (size_t k = 0; k < (takes_all ? i : static_cast<size_t>(options_.partners)); ++k)
          add_pair(group[i], group[takes_all ? k : random.below(group.size())]);
    }
  }

  void add_pair(uint32_t a, uint32_t b) {
    if (targets_[a] == targets_[b]) return;
    if (targets_[a] < targets_[b]) std::swap(a, b);
    // Pairs far apart matter more than those within the noise of a measurement.
    const double weight = std::min(1.0, 4 * (targets_[a] - targets_[b]));
    const double wrong = 1 / (1 + std::exp(scores_[a] - scores_[b]));
    const Derivatives pair{-weight * wrong, weight * wrong * (1 - wrong)};
    derivatives_[a] += pair;
    derivatives_[b] += {-pair.first, pair.second};
  }

  struct SplitPoint {
    double gain = 1e-9;
    int feature = -1;
    size_t bin = 0;
  };

  SplitPoint best_split(std::span<const uint32_t> rows, const Derivatives& all) const {
    SplitPoint best;
    std::vector<Derivatives> sums(kBins);
    const size_t features = table_.features();
    for (size_t f = 0; f < features; ++f) {
      const size_t edges = thresholds_[f].size();
      if (edges == 0) continue;
      std::fill(sums.begin(), sums.end(), Derivatives());
      for (const uint32_t r : rows) sums[bins_[r * features + f]] += derivatives_[r];
      Derivatives below;
      for (size_t b = 0; b < edges; ++b) {
        below += sums[b];
        const Derivatives above = all - below;
        if (below.second < options_.least_in_leaf || above.second < options_.least_in_leaf) continue;
        const double gain = below.gain(options_.regularisation) + above.gain(options_.regularisation) -
                            all.gain(options_.regularisation);
        if (gain > best.gain) best = {gain, static_cast<int>(f), b};
      }
    }
    return best;
  }

  /// Adds the tree of these rows, which it reorders; its root's number. Rows of a leaf get its value added.
  int grow(std::vector<Node>& nodes, std::span<uint32_t> rows, int depth) {
    Derivatives all;
    for (const uint32_t r : rows) all += derivatives_[r];
    const int self = static_cast<int>(nodes.size());
    nodes.emplace_back();
    const SplitPoint split = depth < options_.depth ? best_split(rows, all) : SplitPoint();
    if (split.feature < 0) {
      nodes[self].value = -options_.rate * all.first / (all.second + options_.regularisation);
      for (const uint32_t r : rows) scores_[r] += nodes[self].value;
      return self;
    }
    const size_t features = table_.features();
    const auto middle = std::stable_partition(rows.begin(), rows.end(), [&](uint32_t r) {
      return bins_[r * features + static_cast<size_t>(split.feature)] <= split.bin;
    });
    nodes[self].feature = split.feature;
    nodes[self].threshold = thresholds_[static_cast<size_t>(split.feature)][split.bin];
    const int below = grow(nodes, {rows.begin(), middle}, depth + 1);
    const int above = grow(nodes, {middle, rows.end()}, depth + 1);
    nodes[self].below = below;
    nodes[self].above = above;
    return self;
  }

  const FeatureTable& table_;
  std::span<const double> targets_;
  const BoostOptions& options_;
  std::vector<std::vector<float>> thresholds_;  ///< by feature
  std::vector<uint8_t> bins_;                   ///< by row, then feature
  std::vector<double> scores_;                  ///< of the trees so far
  std::vector<Derivatives> derivatives_;        ///< of the loss at the scores
  std::vector<std::vector<uint32_t>> groups_;   ///< rows
};

BoostedTrees BoostedTrees::fit(const FeatureTable& table, std::span<const double> targets, std::span<const int> groups,
                               const BoostOptions& options) {
  require(targets.size() == table.rows(), "a target for each row");
  require(groups.empty() || groups.size() == table.rows(), "a group for each row");
  if (table.rows() == 0) return {};
  return Fitting(table, targets, groups, options).run();
}

double BoostedTrees::predict(std::span<const float> row) const {
  double sum = start_;
  for (int node : roots_) {
    while (nodes_[node].feature >= 0) {
      const Node& n = nodes_[node];
      node = row[n.feature] > n.threshold ? n.above : n.below;
    }
    sum += nodes_[node].value;
  }
  return sum;
}

namespace {

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (size_t k = i; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(i + end - 1);
    i = end;
  }
  return ranks;
}

}  // namespace

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "lists of one length");
  const std::vector<double> ra = ranks_of(a), rb = ranks_of(b);
  const double mean = 0.5 * (static_cast<double>(a.size()) - 1);
  double both = 0, of_a = 0, of_b = 0;
  for (size_t i = 0; i < ra.size(); ++i) {
    both += (ra[i] - mean) * (rb[i] - mean);
    of_a += (ra[i] - mean) * (ra[i] - mean);
    of_b += (rb[i] - mean) * (rb[i] - mean);
  }
  return of_a == 0 || of_b == 0 ? 0 : both / std::sqrt(of_a * of_b);
}

}  // namespace strata::compiler::tune
