// One run of a kernel in the loop interpreter, and whether a schedule keeps what the naive kernel gives.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

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

/// The same of a kernel that nobody vouches for. E0125 where it reaches outside of a buffer, and where what it leaves
/// depends on scratch memory that it has not written.
KernelRun run_checked(const ir::loops::Kernel& kernel, std::span<const int64_t> dims,
                      std::span<const ir::HostArray> buffers);

/// The first difference in the status code or the bits of a buffer, or an empty text. Any NaN equals any other.
std::string difference(const ir::loops::Kernel& kernel, const KernelRun& expected, const KernelRun& found);

/// The first difference between a schedule and the naive run `expected` of the same buffers, errors of the interpreter
/// included, or an empty text.
std::string schedule_difference(const ir::loops::Kernel& naive, const KernelRun& expected,
                                const ir::loops::Kernel& scheduled, std::span<const int64_t> dims,
                                std::span<const ir::HostArray> buffers);

/// Where a schedule makes an element by other operations than the naive kernel, in another order, or of other elements
/// (ir/loops/origins.h): a dependence that it breaks, whether or not a bit shows it. Empty: nowhere, or not to be told,
/// as of arrays of narrow integers.
std::string dependence_difference(const ir::loops::Kernel& naive, const ir::loops::Kernel& scheduled,
                                  std::span<const int64_t> dims, std::span<const ir::HostArray> buffers);

}  // namespace strata::compiler
