#include "strata/compiler/testing/kernel_run.h"

#include <fmt/format.h>

#include <cstring>

#include "strata/compiler/check/equivalence.h"
#include "strata/ir/loops/interpret.h"

namespace strata::compiler {

using ir::HostArray;
using ir::loops::Buffer;
using ir::loops::Kernel;

namespace {

KernelRun copies_of(std::span<const HostArray> buffers) {
  KernelRun run;
  for (const HostArray& a : buffers) run.buffers.push_back(a.clone());
  return run;
}

std::vector<void*> pointers_to(std::vector<HostArray>& buffers) {
  std::vector<void*> pointers;
  for (HostArray& a : buffers) pointers.push_back(a.data());
  return pointers;
}

}  // namespace

std::vector<HostArray> make_buffers(const Kernel& kernel, std::span<const int64_t> dims,
                                    const std::function<void(HostArray&, int64_t)>& fill,
                                    std::span<const HostArray> given) {
  const auto value_of = [&](std::string_view name) {
    for (size_t i = 0; i < kernel.dims.size(); ++i)
      if (kernel.dims[i] == name) return dims[i];
    return int64_t{0};
  };
  std::vector<HostArray> buffers(given.begin(), given.end());
  for (size_t p = buffers.size(); p < kernel.params.size(); ++p) {
    const Buffer& buffer = *kernel.params[p];
    std::vector<int64_t> shape;
    for (ir::Dim d : buffer.shape) shape.push_back(d.evaluate(value_of));
    HostArray& array = buffers.emplace_back(buffer.dtype, shape);
    for (int64_t i = 0; i < array.elements(); ++i) fill(array, i);
  }
  return buffers;
}

KernelRun run_interpreted(const Kernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers) {
  KernelRun run = copies_of(buffers);
  ir::loops::interpret(kernel, pointers_to(run.buffers), dims, run.status);
  return run;
}

KernelRun run_native(const LoadedKernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers,
                     TaskOrder order) {
  KernelRun run = copies_of(buffers);
  const std::vector<void*> pointers = pointers_to(run.buffers);
  runtime::KernelNeeds needs;
  kernel.needs(dims.data(), &needs);
  HostArray scratch(ir::DType::u8, {needs.scratch_bytes});  // 64-byte aligned, as kernels want it
  if (needs.scratch_bytes) std::memset(scratch.data(), 0xff, static_cast<size_t>(needs.scratch_bytes));
  runtime::KernelStatus status;
  runtime::KernelContext context{&status, scratch.data()};
  const int64_t middle = needs.tasks / 2;
  const auto run_tasks = [&](int64_t first, int64_t last) {
    kernel.run(&context, pointers.data(), dims.data(), first, last);
  };
  if (order == TaskOrder::LastHalfFirst) run_tasks(middle, needs.tasks);
  run_tasks(0, middle);
  if (order == TaskOrder::Ascending) run_tasks(middle, needs.tasks);
  run.status = {status.code, status.index};
  return run;
}

std::string difference(const Kernel& kernel, const KernelRun& expected, const KernelRun& found) {
  if (expected.status.code != found.status.code)
    return fmt::format("status {}, expected {}", found.status.code, expected.status.code);
  for (size_t p = 0; p < kernel.params.size(); ++p)
    if (const auto text = first_difference({&expected.buffers[p], 1}, {&found.buffers[p], 1}))
      return fmt::format("%{}: {}", kernel.params[p]->name, *text);
  return {};
}

const llvm_backend::CodeGenerator& test_generator() {
  static const llvm_backend::CodeGenerator generator;
  return generator;
}

}  // namespace strata::compiler
