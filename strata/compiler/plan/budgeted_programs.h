// Programs within a budget of memory: for each binding of the dimensions the plan as it is, if that keeps the budget,
// else the first rung of the ladder that does (plan/program_ladder.h). All have the same kernels.
#pragma once

#include <memory>

#include "strata/compiler/plan/program_parts.h"
#include "strata/ir/graph/interpret.h"

namespace strata::compiler {

class BudgetedPrograms {
 public:
  BudgetedPrograms(std::shared_ptr<const ProgramParts> parts, int64_t budget_bytes)
      : parts_(std::move(parts)), budget_bytes_(budget_bytes) {}

  /// E0314 with the tensors that are live at the peak when no rung keeps the budget.
  std::shared_ptr<const runtime::Executable> of(const ir::DimBinding& dims) const;

 private:
  const std::shared_ptr<const ProgramParts> parts_;
  const int64_t budget_bytes_;
};

}  // namespace strata::compiler
