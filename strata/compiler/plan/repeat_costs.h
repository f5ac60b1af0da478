// What a ladder needs to know of a program's commands (plan/recompute.h): what each holds and takes in one binding of
// the dimensions, and which may run again.
#pragma once

#include <vector>

#include "strata/compiler/plan/make_plan.h"
#include "strata/compiler/plan/recompute.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/interpret.h"

namespace strata::compiler {

class RepeatCosts {
 public:
  /// All of them outlive it.
  RepeatCosts(const PlanRequest& request, const ir::Plan& plan, const ir::DimBinding& dims);

  /// Outlived by this.
  LadderRequest request() const;
  /// Of running a command once, compared, not believed; 0 of those of the host.
  double seconds(const ir::PlanCommand& command) const;
  int64_t size(ir::Dim d) const { return dims_(counts_.largest(d)); }

 private:
  std::vector<const ir::Node*> all_nodes() const;
  std::vector<int> updated_operands() const;
  std::vector<bool> owners_written_over() const;
  std::vector<std::vector<int>> writers_of_arguments() const;

  const PlanRequest& request_;
  const ir::Plan& plan_;
  const ir::Graph& graph_;
  const ir::CountBounds counts_;
  const ir::DimBinding& dims_;
  const std::vector<const ir::Node*> nodes_;
  const std::vector<int> updated_;
  const CommandMemory memory_;
};

}  // namespace strata::compiler
