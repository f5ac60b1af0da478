// The calling convention of compiled kernels: plain C types only, because it is the border between the runtime and
// machine code that may come from a cache file.
//
//   run(context, buffers, dims, first, last)     runs the tasks first <= t < last, in ascending order, on one thread
//   needs(dims, out)                             how many tasks there are, how many of them make a wave, and the
// scratch
//                                                bytes of one thread
//
// Tasks of one wave run in any order, on any threads; a wave begins when all tasks before it are done.
//
// `buffers` has one pointer per parameter and `dims` one value per run-time dimension, in the order of the kernel.
// Buffers may overlap only where the loop program gives the same result when they do: no order of its loads and stores
// is changed on the belief that parameters are distinct, so an elementwise kernel may run in place.
//
// The scratch of a thread, all offsets 64-byte aligned (compiler/backends/scratch_layout.h):
//
//   context.scratch -> | buffer 0 | pad | buffer 1 | pad | ... |
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::runtime {

/// Alignment of scratch memory and of each buffer in it, in bytes.
inline constexpr int64_t kScratchAlignment = 64;

/// What a failed check leaves behind. `code` 0 means that all is well; kernels set code and index once, by a
/// compare-and-swap of `code`; the executor fills in `command` when it finds the code.
struct KernelStatus {
  int32_t code = 0;
  int32_t command = 0;
  int64_t index = 0;
};

/// The code of a kernel that stored a NaN or an infinity where it was told to look. Codes below are the ops' own, whose
/// header (ops/facets/status.h) keeps this one free; the back end, which sees both, compares them.
inline constexpr int32_t kStatusNotFinite = 3;

/// One per thread and call. Owner: the executor.
struct KernelContext {
  KernelStatus* status = nullptr;
  std::byte* scratch = nullptr;  ///< kScratchAlignment-aligned, KernelNeeds::scratch_bytes long, undefined content
};

struct KernelNeeds {
  int64_t tasks = 0;
  int64_t scratch_bytes = 0;
  int64_t wave_tasks = 0;  ///< of a wave, the last one perhaps less; 0: all tasks are one
};

using KernelFunction = void (*)(KernelContext* context, void* const* buffers, const int64_t* dims, int64_t first_task,
                                int64_t last_task);
using KernelNeedsFunction = void (*)(const int64_t* dims, KernelNeeds* needs);

/// A kernel in memory.
struct LoadedKernel {
  KernelFunction run = nullptr;
  KernelNeedsFunction needs = nullptr;
};

}  // namespace strata::runtime
