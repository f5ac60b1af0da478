// What became of a program, kernel by kernel: the fused node, its naive loops, what the schedule did and refused to do,
// the loops that were compiled, and the machine code.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/graph.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

struct KernelExplanation {
  std::string name;                ///< "fusion.1f2a88d1"
  std::string node;                ///< the node as text, with its region
  std::string naive;               ///< loops as lowered
  std::vector<std::string> notes;  ///< one line per rewrite; "left as written: <reason>" for a refusal
  std::string scheduled;           ///< loops as compiled
  std::string refusal;             ///< why the backend did not take it; empty: it did
  std::string assembly;            ///< AT&T syntax; empty when refused
};

/// `graph` is the program before any pass; the pass list runs first. In the order of the plan.
std::vector<KernelExplanation> explain(const ir::Graph& graph, runtime::IsaLevel level);

}  // namespace strata::compiler
