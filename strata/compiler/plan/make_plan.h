// From the fused graph to the plan: a buffer per value, a command per kernel or host node, memory shared where that is
// safe.
//
// Memory is shared in four ways: a reshape is its operand's memory; an update is its operand's memory, where that dies
// there (else it copies it first, and says why); a kernel may write an output over an input that dies there, when every
// element is read before and only where it is written, and a loop a carry, when its step does; a result may take a
// donated argument's memory, if nothing can fail once it is written: a run succeeds or changes nothing.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "strata/compiler/lower/form.h"
#include "strata/ir/plan/plan.h"

namespace strata::compiler {

/// What the plan needs to know of a node's kernel.
struct KernelUse {
  int kernel = -1;  ///< index into Plan::kernels
  /// (output, input): output may be written over input, by their positions among the node's results and operands.
  std::vector<std::pair<int, int>> in_place;
  UpdateInKernel update;  ///< then it writes over nothing else
  ir::Dim workspace_bytes = ir::Dim(0);
  std::vector<ir::KernelVariant> variants;
};

struct PlanRequest {
  std::shared_ptr<const ir::Graph> graph;  ///< fused
  std::vector<ir::EntryCondition> entry;
  std::map<uint32_t, KernelUse> kernels;  ///< by node id
  std::vector<std::string> kernel_names;
  std::map<const ir::Graph*, std::shared_ptr<const ir::Plan>> regions;  ///< of host nodes
  std::vector<ir::Donation> donations;                                  ///< wished for
  std::vector<ir::FiniteResult> finite;                                 ///< results and names: what is to be looked at
  std::vector<ir::PlanPrologue> prologue;                               ///< of the graph's last parameters
  bool is_ordered = false;                                              ///< the commands are in the graph's order
};

/// E0330 for an update that must be in place and is not.
std::shared_ptr<const ir::Plan> make_plan(const PlanRequest& request);

}  // namespace strata::compiler
