// The one list of back ends outside their folders.
#pragma once

#include "strata/compiler/backends/backend.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// Native code for an instruction set level that the host can run. Made once, kept for the life of the process.
const Backend& llvm_backend_for(runtime::IsaLevel level);

}  // namespace strata::compiler
