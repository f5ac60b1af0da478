// Where the Scratch buffers of a kernel lie in the scratch memory of a thread: one after the other in the order of
// their Allocs, each 64-byte aligned. Siblings do not share memory: sizes are formulas, and the sum is what the planner
// can print.
#pragma once

#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

struct ScratchSlot {
  const ir::loops::Buffer* buffer = nullptr;
  ir::Dim offset;  ///< bytes from the start of the thread's scratch
};

struct ScratchLayout {
  std::vector<ScratchSlot> slots;  ///< in memory order
  ir::Dim bytes;                   ///< of all
};

/// Bytes of a buffer's elements.
ir::Dim buffer_bytes(const ir::loops::Buffer& buffer);

ScratchLayout layout_scratch(const ir::loops::Kernel& kernel);

}  // namespace strata::compiler
