#include "strata/ir/plan/plan.h"

#include <algorithm>

namespace strata::ir {

int first_donated_write(const Plan& plan) {
  const auto is_donated = [&](int buffer) {
    const PlanBuffer& b = plan.buffers[static_cast<size_t>(buffer)];
    return b.kind == PlanBufferKind::Result &&
           std::ranges::any_of(plan.donations, [&](const Donation& d) { return d.result == b.index; });
  };
  const auto first = std::ranges::find_if(
      plan.commands, [&](const PlanCommand& c) { return std::ranges::any_of(c.writes, is_donated); });
  return static_cast<int>(first - plan.commands.begin());
}

}  // namespace strata::ir
