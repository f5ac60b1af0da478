#include "strata/compiler/testing/kernel_run.h"

#include <algorithm>
#include <cstring>

namespace strata::compiler {

using ir::HostArray;

KernelRun run_native(const LoadedKernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers,
                     TaskOrder order) {
  KernelRun run;
  std::vector<void*> pointers;
  for (const HostArray& a : buffers) run.buffers.push_back(a.clone());
  for (HostArray& a : run.buffers) pointers.push_back(a.data());
  runtime::KernelNeeds needs;
  kernel.needs(dims.data(), &needs);
  HostArray scratch(ir::DType::u8, {needs.scratch_bytes});  // 64-byte aligned, as kernels want it
  if (needs.scratch_bytes) std::memset(scratch.data(), 0xff, needs.scratch_bytes);
  runtime::KernelStatus status;
  runtime::KernelContext context{&status, scratch.data()};
  const auto run_tasks = [&](int64_t first, int64_t last) {
    kernel.run(&context, pointers.data(), dims.data(), first, last);
  };
  const int64_t wave = needs.wave_tasks > 0 ? needs.wave_tasks : needs.tasks;
  for (int64_t first = 0; first < needs.tasks; first += wave) {
    const int64_t last = std::min(first + wave, needs.tasks), middle = first + (last - first) / 2;
    if (order == TaskOrder::LastHalfFirst) run_tasks(middle, last);
    run_tasks(first, middle);
    if (order == TaskOrder::Ascending) run_tasks(middle, last);
  }
  run.status = {status.code, status.index};
  return run;
}

const llvm_backend::CodeGenerator& test_generator() {
  static const llvm_backend::CodeGenerator generator;
  return generator;
}

}  // namespace strata::compiler
