// A kernel alone as machine code, outside of any program: compiled, loaded, and run with all its tasks on the pool.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/check/kernel_run.h"

namespace strata::compiler {

class NativeKernel {
 public:
  /// Throws what the target's compile() and load() throw: E0310 for a kernel that it refuses, E0312.
  NativeKernel(const Target& target, const ir::loops::Kernel& kernel);

  /// `buffers` has one pointer per parameter, `dims` one value per dimension, in the order of the kernel.
  ir::loops::RunStatus run(std::span<void* const> buffers, std::span<const int64_t> dims) const;
  /// On copies of the buffers.
  KernelRun run_on_copies(std::span<const int64_t> dims, std::span<const ir::HostArray> buffers) const;

 private:
  const Target& target_;
  std::shared_ptr<const LoadedObject> object_;
  LoadedKernel kernel_;
};

}  // namespace strata::compiler
