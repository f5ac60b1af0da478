// For tests: one run of a kernel, in the loop interpreter or as native code, and what two runs differ in.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/ir/host_array.h"
#include "strata/ir/loops/kernel.h"
#include "strata/ir/loops/run_status.h"

namespace strata::compiler {

/// What a run leaves: an array for each parameter of the kernel, and the status.
struct KernelRun {
  std::vector<ir::HostArray> buffers;
  ir::loops::RunStatus status;
};

/// Arrays for the parameters of a kernel: `given` for the first, the others with each element set by `fill`.
std::vector<ir::HostArray> make_buffers(const ir::loops::Kernel& kernel, std::span<const int64_t> dims,
                                        const std::function<void(ir::HostArray&, int64_t)>& fill,
                                        std::span<const ir::HostArray> given = {});

/// Runs on copies of the buffers.
KernelRun run_interpreted(const ir::loops::Kernel& kernel, std::span<const int64_t> dims,
                          std::span<const ir::HostArray> buffers);

/// Both run in two calls, so that ranges of tasks are tried as well.
enum class TaskOrder { Ascending, LastHalfFirst };
KernelRun run_native(const LoadedKernel& kernel, std::span<const int64_t> dims, std::span<const ir::HostArray> buffers,
                     TaskOrder order);

/// The first difference in the status code or the bits of a buffer, or an empty text. Any NaN equals any other.
std::string difference(const ir::loops::Kernel& kernel, const KernelRun& expected, const KernelRun& found);

/// The generator that tests share: it keeps its target machines.
const llvm_backend::CodeGenerator& test_generator();

}  // namespace strata::compiler
