#include "strata/tensor/lazy/check_groups.h"

#include <algorithm>
#include <map>

#include "strata/ops/control/value_checks.h"

namespace strata::lazy {
namespace {

/// The sets of checks behind the nodes of a graph, each set once: most nodes share theirs with an operand.
class ChecksBehind {
 public:
  explicit ChecksBehind(const ir::Graph& graph) : number_of_(graph.nodes().size()) {
    for (const ir::Node* node : graph.nodes()) number_of_[node->id] = add(*node);
  }

  /// Of the set behind a node; 0 is the empty one.
  size_t number_of(const ir::Node& node) const { return number_of_[node.id]; }
  const std::set<uint32_t>& set(size_t number) const { return *sets_[number]; }

 private:
  size_t add(const ir::Node& node) {
    std::vector<size_t> behind;
    for (const ir::Value& v : node.operands()) behind.push_back(number_of_[v.node->id]);
    std::ranges::sort(behind);
    const auto same = std::ranges::unique(behind);
    behind.erase(same.begin(), same.end());
    std::erase(behind, size_t{0});
    const bool is_check = ops::has_value_check(node);
    if (!is_check && behind.size() < 2) return behind.empty() ? 0 : behind[0];
    std::set<uint32_t> all;
    for (const size_t number : behind) all.insert(set(number).begin(), set(number).end());
    if (is_check) all.insert(node.id);
    const auto [known, is_new] = numbers_.emplace(std::move(all), sets_.size());
    if (is_new) sets_.push_back(&known->first);
    return known->second;
  }

  std::map<std::set<uint32_t>, size_t> numbers_{{{}, 0}};
  std::vector<const std::set<uint32_t>*> sets_{&numbers_.begin()->first};
  std::vector<size_t> number_of_;  ///< by node id
};

}  // namespace

std::vector<CheckGroup> group_by_checks(const ir::Graph& graph, std::span<const ir::Value> values) {
  const ChecksBehind behind(graph);
  std::map<size_t, CheckGroup> groups;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t number = behind.number_of(*values[i].node);
    CheckGroup& group = groups[number];
    if (group.values.empty()) group.checks = behind.set(number);
    group.values.push_back(i);
  }
  std::vector<CheckGroup> sorted;
  for (auto& [number, group] : groups) sorted.push_back(std::move(group));
  std::ranges::stable_sort(sorted, {}, [](const CheckGroup& g) { return g.checks.size(); });
  return sorted;
}

}  // namespace strata::lazy
