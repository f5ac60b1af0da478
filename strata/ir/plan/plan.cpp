#include "strata/ir/plan/plan.h"

#include <algorithm>
#include <unordered_set>

namespace strata::ir {

std::vector<int> memory_of_buffers(const Plan& plan) {
  std::vector<int> argument_of(plan.results.size(), -1);
  for (const Donation& d : plan.donations) argument_of[d.result] = plan.arguments[d.argument];
  std::vector<int> memory;
  for (const PlanBuffer& b : plan.buffers) {
    const bool is_donated = b.kind == PlanBufferKind::Result && argument_of[b.index] >= 0;
    memory.push_back(is_donated ? argument_of[b.index] : b.root);
  }
  return memory;
}

int first_donated_write(const Plan& plan) {
  std::unordered_set<int> results;
  for (const Donation& d : plan.donations) results.insert(d.result);
  const auto is_donated = [&](int buffer) {
    const PlanBuffer& b = plan.buffers[buffer];
    return b.kind == PlanBufferKind::Result && results.contains(b.index);
  };
  const auto first = std::ranges::find_if(
      plan.commands, [&](const PlanCommand& c) { return std::ranges::any_of(c.writes, is_donated); });
  return first - plan.commands.begin();
}

}  // namespace strata::ir
