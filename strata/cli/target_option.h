// --isa and --backend of the commands that compile.
#pragma once

#include <string>

#include "strata/compiler/backends/target.h"

namespace strata::cli {

/// LLVM's target for the instruction set of this name, or for the chosen one if that is empty; `backend` names another,
/// or is empty or "llvm". The host need not have it. Throws E0401 and E0313.
const compiler::Target& target_given(const std::string& isa, const std::string& backend = "");

/// The same for a command that runs the code: E0401 for an instruction set that this CPU lacks.
const compiler::Target& runnable_target_given(const std::string& isa, const std::string& backend = "");

}  // namespace strata::cli
