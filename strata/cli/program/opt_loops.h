// strata opt on loop programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/compiler/backends/target.h"

namespace strata::cli {

struct LoopOptions {
  bool interpret = false;
  bool native = false;                  ///< run it as machine code; with `check_equivalence`, that is compared, too
  std::vector<std::string> arguments;   ///< inputs for `interpret` and `native`, in the order of the parameters; random
                                        ///< if left out
  std::optional<std::string> schedule;  ///< rewrites (compiler/loop/schedule_kinds.h), or "auto" for the chosen ones
  const compiler::Target* target = nullptr;  ///< that schedules are chosen for
  bool check_equivalence = false;            ///< of the schedule, on `runs` sets of random arguments
  int runs = 3;
  uint64_t seed = 1;
};

/// Verifies each kernel and schedules it if asked to; prints it, or what the loop interpreter or its machine code
/// leaves in its outputs. What is run is run in the interpreter first: E0125 for a kernel that reaches outside of a
/// buffer or reads scratch memory before it is written. E0303 when a schedule changes a bit; any NaN equals any other.
/// E0710 when there is no schedule to check.
int run_on_loops(std::string_view text, const LoopOptions& options);

}  // namespace strata::cli
