// Kernels for machines whose cores run blocks of threads over memory that a block shares.
//
//   kernel @reverse(%x: f32[N,64]) -> (%y: f32[N,64]) {
//     blocks b in 0..N {                                one iteration: one block; blocks know nothing of each other
//       shared %t: f32[64]
//       threads i in 0..64 {                            constant extent; up to three loops, one directly in the other
//         %t[i] = %x[b, i]
//         barrier                                       what was written before is seen by all after it
//         %y[b, i] = %t[63 - i]
//       }
//     }
//   }
//
// Threads run side by side between barriers, in any order: what one of them writes there no other may touch. Those of a
// loop have all ended before the next statement of the block begins. Outside of them a block only declares, branches
// and loops. A barrier stands where all threads of the block come to it: below loops and branches whose bounds and
// conditions are made of constants, dimensions and what the block declared.
//
// A machine without threads runs `without_blocks`: a block is a task, threads are loops that are cut at each barrier,
// and what lives across one waits in an array with an element for each thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// Most threads of a block, over all of its nested loops.
inline constexpr int64_t kMostThreads = 1024;

bool has_blocks(const Kernel& kernel);
/// Bytes of the buffers that the threads of a block share.
int64_t shared_bytes(const Kernel& kernel);

enum class ThreadOrder : uint8_t { Ascending, Descending };

/// The same kernel with a Parallel loop over its blocks, and their threads one after the other; in the same context.
Kernel without_blocks(const Kernel& kernel, ThreadOrder order = ThreadOrder::Ascending);

/// Throws the Fault (verify.h) of threads, barriers and shared buffers that stand where they may not.
void require_blocks(const Kernel& kernel);

/// Runs the kernel with its threads in ascending and in descending order, on copies of `buffers`, and says where an
/// output differs: "%y: element 3". Then two threads touch an element between the same barriers, and one writes it. For
/// tests of what makes such kernels: a race whose two orders agree by chance stays unseen. Throws what the interpreter
/// throws.
std::optional<std::string> find_race(const Kernel& kernel, std::span<const void* const> buffers,
                                     std::span<const int64_t> dims);

}  // namespace strata::ir::loops
