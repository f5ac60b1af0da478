#include "strata/compiler/check/kernel_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/origins.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using ir::HostArray;
using ir::loops::Buffer;
using ir::loops::Kernel;
using ir::loops::Stmt;
using ir::loops::StmtKind;

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

namespace {

KernelRun run_with_scratch(const Kernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers,
                           unsigned char scratch) {
  KernelRun run;
  std::vector<void*> pointers;
  for (const HostArray& a : buffers) run.buffers.push_back(a.clone());
  for (HostArray& a : run.buffers) pointers.push_back(a.data());
  ir::loops::Interpreter(kernel).run(pointers, dims, run.status, 0, -1, scratch);
  return run;
}

constexpr unsigned char kAllOnes = 0xff, kZeros = 0;

}  // namespace

KernelRun run_interpreted(const Kernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers) {
  return run_with_scratch(kernel, dims, buffers, kAllOnes);
}

KernelRun run_checked(const Kernel& kernel, std::span<const int64_t> dims, std::span<const HostArray> buffers) {
  KernelRun run = run_with_scratch(kernel, dims, buffers, kAllOnes);
  bool has_scratch = false;
  ir::loops::for_each_stmt(kernel.body, [&](const Stmt& stmt) { has_scratch |= stmt.kind == StmtKind::Alloc; });
  if (!has_scratch) return run;
  const std::string text = difference(kernel, run, run_with_scratch(kernel, dims, buffers, kZeros));
  if (!text.empty())
    throw base::Error(base::code::kOutOfBuffer,
                      fmt::format("@{} reads scratch memory that it has not written: {}", kernel.name, text))
        .note("scratch memory that starts as zeros gives the one, as NaN or -1 the other");
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

std::string schedule_difference(const Kernel& naive, const KernelRun& expected, const Kernel& scheduled,
                                std::span<const int64_t> dims, std::span<const HostArray> buffers) {
  try {
    return difference(naive, expected, run_interpreted(scheduled, dims, buffers));
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string dependence_difference(const Kernel& naive, const Kernel& scheduled, std::span<const int64_t> dims,
                                  std::span<const HostArray> buffers) {
  // Bytes may be taken out of words by other integer operations: exact, but not the same.
  for (const Buffer* param : naive.params)
    if (ir::is_int(param->dtype) && ir::dtype_bytes(param->dtype) < 8) return {};
  const auto origins = [&](const Kernel& kernel) {
    std::vector<HostArray> copies;
    std::vector<void*> pointers;
    for (const HostArray& a : buffers) copies.push_back(a.clone());
    for (HostArray& a : copies) pointers.push_back(a.data());
    return ir::loops::origins_of(kernel, pointers, dims);
  };
  const auto expected = origins(naive), found = origins(scheduled);
  if (!expected || !found) return {};
  for (size_t p = 0; p < naive.params.size(); ++p) {
    const auto [at, other] = std::mismatch((*expected)[p].begin(), (*expected)[p].end(), (*found)[p].begin());
    if (at != (*expected)[p].end())
      return fmt::format("%{}: element {} is made in another way", naive.params[p]->name, at - (*expected)[p].begin());
  }
  return {};
}

}  // namespace strata::compiler
