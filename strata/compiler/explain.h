// What became of a program, kernel by kernel: the fused node, its naive loops, what the schedule did and refused to do,
// the loops that were compiled, and the machine code; and what fusion left in memory between the kernels.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/compiler/loop/schedule_database.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/plan/plan.h"

namespace strata::compiler {

class Target;

struct KernelExplanation {
  std::string name;    ///< "fusion.1f2a88d1"
  std::string within;  ///< "scan @ lstm.cpp:12": the command whose region it runs in; empty: the program itself
  std::string node;    ///< the node as text, with its region
  std::string naive;   ///< loops as lowered
  base::Hash128 nest;  ///< with the target: what a database of schedules knows it by
  std::string target;  ///< empty: it has no loops, since the back end claims it
  std::string source;  ///< where the schedule comes from: "heuristic", "given", "tuned.schedules, line 12"
  std::vector<std::string> notes;  ///< the schedule as text (schedule_kinds.h), remarks as comments
  std::string scheduled;           ///< loops as compiled
  std::string refusal;             ///< why the backend did not take it; empty: it did
  std::string listing;             ///< the backend's code as text; empty when refused
};

struct Explanation {
  std::vector<std::string>
      remarks;  ///< of the passes: composites that were expanded, what goes through memory, and why
  std::vector<KernelExplanation> kernels;  ///< in the order of the plan; those of regions before what follows them
};

/// The schedules of the kernels that have one, as a database that a user may change and give back.
ScheduleDatabase schedules_of(const Explanation& explanation);

struct ExplainOptions {
  const Target* target = nullptr;                   ///< else chosen_target() (backends/backends.h)
  std::vector<ir::Donation> donations;              ///< wished for: the remarks say which are not made, and why
  std::shared_ptr<const ScheduleSource> schedules;  ///< null: as of compile()
  bool with_listings = true;                        ///< else without the back end's code, which costs its compilation
  std::optional<int> node;  ///< only kernels that hold this node of the program (%4 is 4), as it is printed
};

/// `graph` is the program before any pass; the pass list runs first, on regions too. E0751 when `node` is not there or
/// no kernel holds it.
Explanation explain(const ir::Graph& graph, const ExplainOptions& options = {});

}  // namespace strata::compiler
