// Phases back to loops: isl makes the loops of a task from its times, and what remains is turning its syntax tree into
// statements, the tasks and waves around it, and vectors inside.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/poly/bands.h"
#include "strata/compiler/loop/poly/fold_memory.h"
#include "strata/compiler/loop/poly/register_tile.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler::poly {

struct WriteOptions {
  RegisterOptions registers;
  int lanes = 1;
};

/// The body of a kernel in the context of the naive one. What was decided on the way goes to `remarks`.
std::vector<ir::loops::StmtPtr> write_phases(const ir::loops::Kernel& naive, const ControlPart& part,
                                             const Dependences& dependences, std::vector<Phase>& phases,
                                             const WriteOptions& options, const IslSession& isl,
                                             std::vector<std::string>& remarks);

}  // namespace strata::compiler::poly
