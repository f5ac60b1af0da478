// Programs within a budget of memory: for each binding of the dimensions the plan as it is, if that keeps the budget,
// else the first rung of the ladder that does (plan/recompute.h). All have the same kernels.
//
// Regions of loops and conditions count with what they take, and are planned as without a budget.
#pragma once

#include <functional>
#include <memory>

#include "strata/compiler/plan/make_plan.h"
#include "strata/ir/graph/interpret.h"
#include "strata/runtime/execute/executable.h"

namespace strata::compiler {

class BudgetedPrograms {
 public:
  /// Gives a plan its machine code.
  using Finish = std::function<std::shared_ptr<const runtime::Executable>(const std::shared_ptr<const ir::Plan>&)>;
  /// `plan`: what `request` gives.
  BudgetedPrograms(PlanRequest request, std::shared_ptr<const ir::Plan> plan, int64_t budget_bytes, Finish finish)
      : request_(std::move(request)), plan_(std::move(plan)), budget_bytes_(budget_bytes), finish_(std::move(finish)) {}

  /// E0314 with the tensors that are live at the peak when no rung keeps the budget.
  std::shared_ptr<const runtime::Executable> of(const ir::DimBinding& dims) const;

 private:
  std::shared_ptr<const ir::Plan> plan_of(std::span<const ir::Node* const> sequence) const;

  const PlanRequest request_;
  const std::shared_ptr<const ir::Plan> plan_;
  const int64_t budget_bytes_;
  const Finish finish_;
};

}  // namespace strata::compiler
