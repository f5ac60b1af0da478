// strata opt on loop programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

struct LoopOptions {
  bool interpret = false;
  std::vector<std::string> arguments;  ///< inputs for `interpret`, in the order of the parameters; zeros if left out
};

/// Verifies each kernel; prints it, or what the loop interpreter leaves in its outputs.
int run_on_loops(std::string_view text, const LoopOptions& options);

}  // namespace strata::cli
