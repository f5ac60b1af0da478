// From a tensor program to something that runs: graph passes, fusion, lowering, schedules, machine code, plan.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/loop/schedule.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/plan/plan.h"
#include "strata/runtime/execute/executable.h"

namespace strata::compiler {

class Target;
class ScheduleSource;

struct CompileOptions {
  const Target* target = nullptr;  ///< else chosen_target() (backends/backends.h)
  std::vector<ir::Donation> donations;
  /// Results that a run only gives when all of them are finite (E0318 with the name): by result and name. Their memory
  /// is new, since what is donated to them is still whole when the run fails.
  std::vector<ir::FiniteResult> finite;
  /// Parameters that stay the same over many runs: weights. What depends on them alone is computed at the first run on
  /// them, kept as long as they are, and shared with other programs (runtime/execute/prepared.h). Those that are
  /// donated are none. E0116 for a number that is no parameter's.
  std::vector<int> constants;
  std::vector<std::string> disabled_passes;  ///< names of the pass list
  /// Asked for the schedule of each kernel before the heuristic; null: what STRATA_SCHEDULES names, else what was tuned
  /// here (tuned_schedules_path()).
  std::shared_ptr<const ScheduleSource> schedules;
  /// Which of the schedules that keep the bits the heuristic takes; 0: the one known to be best
  /// (compiler/loop/choose/variation.h).
  uint64_t schedule_variation = 0;
  /// A run takes at most so many bytes (plan/memory_budget.h says which count): where the plan would take more, kernels
  /// run twice instead of keeping what they gave, and results have the same bits. Planned for each binding of the
  /// dimensions when it is met first; E0314 then if it can't be. E0760 for 0, what is negative, and more than the
  /// machine has.
  std::optional<int64_t> memory_budget_bytes;
  /// A kernel that the schedule leaves as written is an error (E0315). STRATA_STRICT=1 in the environment sets it for
  /// all programs.
  bool is_strict = false;
};

/// The identity of a kernel's machine code, under which caches keep it: the fused node with its facts, the schedule,
/// the target, and what it looks at (ir/loops/kernel.h). A schedule of the heuristic follows from
/// these, its variation and Strata's sources; one that was given counts by its text.
base::Hash128 kernel_identity(const ir::Node& node, const ir::Facts& facts, const Target& target,
                              const ScheduleOptions& schedule = {}, std::span<const int> looked_at = {});
/// "fusion.1f2a88d1"
std::string kernel_name(const ir::Node& node, base::Hash128 identity);

/// Throws what the passes and the target throw; the graph is shared with the executable, which keeps its positions and
/// compiles it again for dimensions that leave an axis empty.
std::shared_ptr<const runtime::Executable> compile(const std::shared_ptr<const ir::Graph>& graph,
                                                   const CompileOptions& options = {});

}  // namespace strata::compiler
