#include "strata/ops/contraction/contraction_order.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <map>

namespace strata::ops {
namespace {

constexpr size_t kMostForAllOrders = 8;

/// Sets of operands as bits; the names that a set still has after its inner contraction are those that something
/// outside of it needs.
class Costs {
 public:
  Costs(const EinsumFormula& formula, const std::vector<Value>& operands) : formula_(formula) {
    for (size_t i = 0; i < operands.size(); ++i)
      for (size_t a = 0; a < formula.operands[i].size(); ++a) {
        const Dim d = operands[i].type().dim(a);
        extents_[formula.operands[i][a]] = d.is_constant() ? static_cast<double>(d.constant()) : kSymbolicExtent;
      }
  }

  /// Multiplications of contracting two sets that are each contracted already.
  double of(uint64_t a, uint64_t b) const {
    AxisNames names = left_of(a);
    for (int name : left_of(b))
      if (!has_name(names, name)) names.push_back(name);
    double product = 1;
    for (int name : names) product *= extents_.at(name);
    return product;
  }

 private:
  AxisNames left_of(uint64_t set) const {
    AxisNames inside, left;
    for (size_t i = 0; i < formula_.operands.size(); ++i)
      if (set >> i & 1)
        for (int name : formula_.operands[i])
          if (!has_name(inside, name)) inside.push_back(name);
    for (int name : inside) {
      bool is_needed = has_name(formula_.result, name);
      for (size_t i = 0; i < formula_.operands.size(); ++i)
        is_needed = is_needed || (!(set >> i & 1) && has_name(formula_.operands[i], name));
      if (is_needed) left.push_back(name);
    }
    return left;
  }

  const EinsumFormula& formula_;
  std::map<int, double> extents_;
};

/// The pairs of sets to contract, in order: the cheapest way to split each set, by all its smaller ones.
std::vector<std::pair<uint64_t, uint64_t>> cheapest_pairs(const Costs& costs, size_t count) {
  const uint64_t all = (uint64_t{1} << count) - 1;
  std::vector<double> best(all + 1, std::numeric_limits<double>::infinity());
  std::vector<uint64_t> half(all + 1, 0);
  for (uint64_t set = 1; set <= all; ++set) {
    if (std::has_single_bit(set)) best[set] = 0;
    const uint64_t lowest = set & (~set + 1);
    // Each split once: `part` holds the first operand of the set.
    for (uint64_t part = (set - 1) & set; part != 0; part = (part - 1) & set) {
      if (!(part & lowest)) continue;
      const double cost = best[part] + best[set ^ part] + costs.of(part, set ^ part);
      if (cost < best[set]) best[set] = cost, half[set] = part;
    }
  }
  std::vector<std::pair<uint64_t, uint64_t>> pairs;
  auto visit = [&](auto& self, uint64_t set) -> void {
    if (half[set] == 0) return;
    self(self, half[set]);
    self(self, set ^ half[set]);
    pairs.emplace_back(half[set], set ^ half[set]);
  };
  visit(visit, all);
  return pairs;
}

std::vector<std::pair<size_t, size_t>> in_list(const std::vector<std::pair<uint64_t, uint64_t>>& pairs, size_t count) {
  std::vector<uint64_t> list;
  for (size_t i = 0; i < count; ++i) list.push_back(uint64_t{1} << i);
  std::vector<std::pair<size_t, size_t>> order;
  for (const auto& [a, b] : pairs) {
    const auto at = [&](uint64_t set) -> size_t { return std::ranges::find(list, set) - list.begin(); };
    const auto [first, second] = std::minmax({at(a), at(b)});
    order.emplace_back(first, second);
    list.erase(list.begin() + second);
    list.erase(list.begin() + first);
    list.push_back(a | b);
  }
  return order;
}

std::vector<std::pair<uint64_t, uint64_t>> greedy_pairs(const Costs& costs, size_t count) {
  std::vector<uint64_t> list;
  for (size_t i = 0; i < count; ++i) list.push_back(uint64_t{1} << i);
  std::vector<std::pair<uint64_t, uint64_t>> pairs;
  while (list.size() > 1) {
    double least = std::numeric_limits<double>::infinity();
    size_t first = 0, second = 1;
    for (size_t i = 0; i < list.size(); ++i)
      for (size_t j = i + 1; j < list.size(); ++j)
        if (const double cost = costs.of(list[i], list[j]); cost < least) least = cost, first = i, second = j;
    pairs.emplace_back(list[first], list[second]);
    const uint64_t joined = list[first] | list[second];
    list.erase(list.begin() + second);
    list.erase(list.begin() + first);
    list.push_back(joined);
  }
  return pairs;
}

}  // namespace

std::vector<std::pair<size_t, size_t>> contraction_order(const EinsumFormula& formula,
                                                         const std::vector<Value>& operands) {
  const Costs costs(formula, operands);
  const size_t count = operands.size();
  return in_list(count <= kMostForAllOrders ? cheapest_pairs(costs, count) : greedy_pairs(costs, count), count);
}

}  // namespace strata::ops
