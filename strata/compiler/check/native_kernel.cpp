#include "strata/compiler/check/native_kernel.h"

#include <algorithm>

#include "strata/base/threads/thread_pool.h"

namespace strata::compiler {

NativeKernel::NativeKernel(const Target& target, const ir::loops::Kernel& kernel) : target_(target) {
  const ir::loops::Kernel* const kernels[] = {&kernel};
  object_ = target.load(target.compile(kernels));
  kernel_ = object_->find(kernel.name);
}

ir::loops::RunStatus NativeKernel::run(std::span<void* const> buffers, std::span<const int64_t> dims) const {
  runtime::KernelNeeds needs;
  kernel_.needs(dims.data(), &needs);
  if (needs.tasks == 0) return {};
  const runtime::Device& device = target_.device();
  const int slots = base::ThreadPool::shared().thread_count();
  const auto scratch = device.allocate(std::max<int64_t>(1, needs.scratch_bytes * slots));
  runtime::KernelStatus status;
  const runtime::Launch launch{.run = kernel_.run,
                               .buffers = buffers.data(),
                               .dims = dims.data(),
                               .tasks = needs.tasks,
                               .wave_tasks = needs.wave_tasks,
                               .most_slots = slots,
                               .scratch_bytes = needs.scratch_bytes,
                               .scratch = scratch.get(),
                               .status = &status};
  device.launch({&launch, 1});
  device.wait();
  return {status.code, status.index};
}

KernelRun NativeKernel::run_on_copies(std::span<const int64_t> dims, std::span<const ir::HostArray> buffers) const {
  KernelRun made;
  std::vector<void*> pointers;
  for (const ir::HostArray& a : buffers) made.buffers.push_back(a.clone());
  for (ir::HostArray& a : made.buffers) pointers.push_back(a.data());
  made.status = run(pointers, dims);
  return made;
}

}  // namespace strata::compiler
