#include "strata/tensor/lazy/donations.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "strata/ir/graph/op.h"

namespace strata::lazy {
namespace {

/// Nodes that are looked at for a result: an update is a few steps from what it updates.
constexpr size_t kMostSteps = 256;

/// The parameter nearest behind a result, among those that are free; -1 if none is near.
int nearest(const ir::Value& result, const std::unordered_map<const ir::Node*, int>& free) {
  std::deque<const ir::Node*> next{result.node};
  std::unordered_set<const ir::Node*> seen{result.node};
  while (!next.empty() && seen.size() < kMostSteps) {
    const ir::Node* node = next.front();
    next.pop_front();
    for (const ir::Value& v : node->operands()) {
      if (!seen.insert(v.node).second) continue;
      if (const auto known = free.find(v.node); known != free.end() && v.type() == result.type()) return known->second;
      next.push_back(v.node);
    }
  }
  return -1;
}

}  // namespace

std::vector<ir::Donation> donations_of(const ir::Graph& graph, std::span<const int> dying) {
  std::unordered_map<const ir::Node*, int> free;
  for (const int parameter : dying) free.emplace(graph.parameters()[parameter], parameter);
  std::vector<ir::Donation> donations;
  std::vector<ir::Value> given;
  for (int r = 0; r < std::ssize(graph.results()) && !free.empty(); ++r) {
    const ir::Value result = graph.results()[r];
    if (result.node->is_parameter() || std::ranges::find(given, result) != given.end()) continue;
    const int parameter = nearest(result, free);
    if (parameter < 0) continue;
    given.push_back(result);
    donations.push_back({r, parameter});
    free.erase(graph.parameters()[parameter]);
  }
  return donations;
}

}  // namespace strata::lazy
