// The identity of a loop program: what the compile cache is keyed by.
#pragma once

#include "strata/base/bytes/hash.h"
#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// Equal for kernels that differ only in the names of the kernel, its buffers, locals and loop variables, or in the
/// order in which their nodes were made. Names of dimensions count. The same in every process.
base::Hash128 structural_hash(const Kernel& kernel);

}  // namespace strata::ir::loops
