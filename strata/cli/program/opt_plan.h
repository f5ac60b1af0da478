// strata opt on plans.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

struct PlanOptions {
  bool interpret = false;
  std::vector<std::string> arguments;  ///< for `interpret`, in the order of the parameters; random if left out
  uint64_t seed = 1;
};

/// Verifies a plan's text (E0133); prints it, or what the plan interpreter computes.
int run_on_plan(std::string_view text, const PlanOptions& options);

}  // namespace strata::cli
