#include "strata/compiler/plan/budgeted_programs.h"

#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/plan/program_ladder.h"

namespace strata::compiler {

std::shared_ptr<const runtime::Executable> BudgetedPrograms::of(const ir::DimBinding& dims) const {
  ProgramLadder ladder(parts_, dims);
  do {
    if (memory_peak(*ladder.program(), dims).bytes <= budget_bytes_) return ladder.program();
  } while (ladder.next());
  refuse_budget(*ladder.program(), memory_peak(*ladder.program(), dims), budget_bytes_);
}

}  // namespace strata::compiler
