// The list of backends: the only place outside a backend's folder that knows its name.
#pragma once

#include <span>
#include <string_view>

#include "strata/compiler/backends/backend.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// Native code for a level, which the host need not have: what it lacks compiles, but doesn't load.
const Backend& llvm_backend_for(runtime::IsaLevel level);

/// By the name that a user gives: "llvm" (the chosen level), "llvm-scalar", "llvm-avx2", "llvm-avx512", "null".
/// Throws E0313 with the nearest name.
const Backend& backend_by_name(std::string_view name);
std::vector<std::string> backend_names();

}  // namespace strata::compiler
