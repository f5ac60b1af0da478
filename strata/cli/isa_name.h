// --isa of the commands that compile.
#pragma once

#include <string>

#include "strata/runtime/machine/isa_level.h"

namespace strata::cli {

/// The level of this name; the chosen one for "". Throws E0401. The host need not have it.
runtime::IsaLevel isa_level_named(const std::string& name);

}  // namespace strata::cli
