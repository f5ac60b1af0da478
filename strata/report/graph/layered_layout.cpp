#include "strata/report/graph/layered_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::report {
namespace {

class Layouter {
 public:
  Layouter(std::span<const LayoutNode> nodes, std::span<const LayoutEdge> edges, const LayoutOptions& options)
      : nodes_(nodes), edges_(edges), options_(options) {}

  Layout run() {
    require_forward();
    choose_layers();
    find_neighbours();
    for (int sweep = 0; sweep < 8; ++sweep) order_layers(sweep % 2 == 0);
    break_rows();
    place_nodes();
    return std::move(made_);
  }

 private:
  void require_forward() const {
    for (const LayoutEdge& e : edges_)
      if (e.from < 0 || e.from >= e.to || e.to >= std::ssize(nodes_))
        throw base::Error(base::code::kUnfittingPlot,
                          fmt::format("layout: an edge from {} to {} of {} nodes, expected one forwards", e.from, e.to,
                                      nodes_.size()));
  }

  void choose_layers() {
    std::vector<int>& layers = made_.layers;
    layers.assign(nodes_.size(), 0);
    std::vector<LayoutEdge> sorted(edges_.begin(), edges_.end());
    std::ranges::stable_sort(sorted, {}, &LayoutEdge::to);
    for (const LayoutEdge& e : sorted)
      if (!nodes_[e.from].is_source) layers[e.to] = std::max(layers[e.to], layers[e.from] + 1);
    const bool has_sources = std::ranges::any_of(nodes_, &LayoutNode::is_source);
    if (has_sources)  // one more layer on top, for what the first nodes read
      for (size_t i = 0; i < nodes_.size(); ++i) layers[i] += nodes_[i].is_source ? 0 : 1;
    std::vector<int> first_reader(nodes_.size(), -1);
    for (const LayoutEdge& e : edges_)
      if (int& first = first_reader[e.from]; first < 0 || layers[e.to] < first) first = layers[e.to];
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].is_source && first_reader[i] > 0) layers[i] = first_reader[i] - 1;
    const int count = nodes_.empty() ? 0 : *std::ranges::max_element(layers) + 1;
    rows_.resize(count);
    for (size_t i = 0; i < nodes_.size(); ++i) rows_[layers[i]].push_back(static_cast<int>(i));
  }

  void find_neighbours() {
    above_.resize(nodes_.size());
    below_.resize(nodes_.size());
    for (const LayoutEdge& e : edges_) {
      const bool is_far = made_.layers[e.to] - made_.layers[e.from] > options_.far;
      made_.is_far.push_back(is_far);
      if (is_far) continue;
      above_[e.to].push_back(e.from);
      below_[e.from].push_back(e.to);
    }
    place_.resize(nodes_.size());
    for (const auto& row : rows_)
      for (size_t i = 0; i < row.size(); ++i) place_[row[i]] = static_cast<double>(i) / static_cast<double>(row.size());
  }

  static double mean(const std::vector<int>& neighbours, const std::vector<double>& of, double otherwise) {
    if (neighbours.empty()) return otherwise;
    double sum = 0;
    for (const int n : neighbours) sum += of[n];
    return sum / static_cast<double>(neighbours.size());
  }

  void order_layers(bool is_downwards) {
    const auto order = [&](std::vector<int>& row, const std::vector<std::vector<int>>& neighbours) {
      std::vector<std::pair<double, int>> keys;
      for (const int n : row) keys.emplace_back(mean(neighbours[n], place_, place_[n]), n);
      std::ranges::stable_sort(keys, {}, &std::pair<double, int>::first);
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = keys[i].second;
        place_[row[i]] = static_cast<double>(i) / static_cast<double>(row.size());
      }
    };
    if (is_downwards)
      for (auto& row : rows_) order(row, above_);
    else
      for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) order(*row, below_);
  }

  void break_rows() {
    std::vector<std::vector<int>> broken;
    for (const auto& row : rows_) {
      broken.emplace_back();
      double width = 0;
      for (const int n : row) {
        if (width > 0 && width + nodes_[n].width > options_.most_width) {
          broken.emplace_back();
          width = 0;
        }
        broken.back().push_back(n);
        width += nodes_[n].width + options_.gap_x;
      }
    }
    rows_ = std::move(broken);
  }

  /// Middles: packed first, then drawn to the means of the neighbours as far as the order allows.
  void place_nodes() {
    std::vector<double> middle(nodes_.size());
    for (const auto& row : rows_) {
      double width = -options_.gap_x;
      for (const int n : row) width += nodes_[n].width + options_.gap_x;
      double x = -width / 2;
      for (const int n : row) {
        middle[n] = x + nodes_[n].width / 2;
        x += nodes_[n].width + options_.gap_x;
      }
    }
    for (int round = 0; round < 12; ++round) {
      const bool is_downwards = round % 2 == 0;
      for (size_t r = 0; r < rows_.size(); ++r) {
        const auto& row = rows_[is_downwards ? r : rows_.size() - 1 - r];
        settle_row(row, middle, is_downwards ? above_ : below_);
      }
    }
    finish(middle);
  }

  /// The row as near to what is wanted as can be without changing its order: from both ends, then the mean of the two.
  void settle_row(const std::vector<int>& row, std::vector<double>& middle,
                  const std::vector<std::vector<int>>& neighbours) const {
    std::vector<double> wanted, from_left, from_right(row.size());
    for (const int n : row) wanted.push_back(mean(neighbours[n], middle, middle[n]));
    const auto distance = [&](size_t i) {
      return (nodes_[row[i - 1]].width + nodes_[row[i]].width) / 2 + options_.gap_x;
    };
    for (size_t i = 0; i < row.size(); ++i)
      from_left.push_back(i == 0 ? wanted[0] : std::max(wanted[i], from_left[i - 1] + distance(i)));
    for (size_t i = row.size(); i-- > 0;)
      from_right[i] = i + 1 == row.size() ? wanted[i] : std::min(wanted[i], from_right[i + 1] - distance(i + 1));
    for (size_t i = 0; i < row.size(); ++i) middle[row[i]] = (from_left[i] + from_right[i]) / 2;
  }

  void finish(const std::vector<double>& middle) {
    double left = 0, right = 0;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      left = i == 0 ? middle[i] - nodes_[i].width / 2 : std::min(left, middle[i] - nodes_[i].width / 2);
      right = i == 0 ? middle[i] + nodes_[i].width / 2 : std::max(right, middle[i] + nodes_[i].width / 2);
    }
    made_.corners.resize(nodes_.size());
    double y = 0;
    for (const auto& row : rows_) {
      double height = 0;
      for (const int n : row) height = std::max(height, nodes_[n].height);
      for (const int n : row)
        made_.corners[n] = {middle[n] - nodes_[n].width / 2 - left, y + (height - nodes_[n].height) / 2};
      y += height + options_.gap_y;
    }
    made_.width = right - left;
    made_.height = rows_.empty() ? 0 : y - options_.gap_y;
  }

  std::span<const LayoutNode> nodes_;
  std::span<const LayoutEdge> edges_;
  const LayoutOptions& options_;
  Layout made_;
  std::vector<std::vector<int>> rows_, above_, below_;
  std::vector<double> place_;
};

}  // namespace

Layout lay_out(std::span<const LayoutNode> nodes, std::span<const LayoutEdge> edges, const LayoutOptions& options) {
  return Layouter(nodes, edges, options).run();
}

}  // namespace strata::report
