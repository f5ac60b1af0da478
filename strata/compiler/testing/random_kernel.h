// For tests: random loop programs over every op, dtype and statement, that stay inside their buffers and whose tasks
// are independent. They never make the sign or payload of a NaN visible: those are no part of the meaning.
#pragma once

#include <cstdint>
#include <string>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Dimensions "n" (at least 1) and "tasks"; the same seed gives the same kernel.
ir::loops::Kernel random_kernel(uint64_t seed, std::string name);

}  // namespace strata::compiler
