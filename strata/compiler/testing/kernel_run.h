// For tests: one run of a kernel as native code.
#pragma once

#include <span>

#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/compiler/check/kernel_run.h"

namespace strata::compiler {

/// Runs on copies of the buffers, in two calls, so that ranges of tasks are tried as well.
enum class TaskOrder { Ascending, LastHalfFirst };
KernelRun run_native(const LoadedKernel& kernel, std::span<const int64_t> dims, std::span<const ir::HostArray> buffers,
                     TaskOrder order);

/// The generator that tests share: it keeps its target machines.
const llvm_backend::CodeGenerator& test_generator();

}  // namespace strata::compiler
