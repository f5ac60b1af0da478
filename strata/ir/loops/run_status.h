// What a kernel reports: the one thing that generated code writes besides its buffers.
#pragma once

#include <cstdint>

namespace strata::ir::loops {

/// Layout of the kernel ABI: three words. Zero until a Check fails; the first failure of a task stays. Tasks that run
/// at once write the same word, so native code sets `code` by compare-and-swap, and `index` may be of another failure.
struct RunStatus {
  int64_t code = 0;   ///< of the Check; 0: fine
  int64_t index = 0;  ///< the index that the Check names
  int64_t node = 0;   ///< filled in by who ran the kernel: the command
};
static_assert(sizeof(RunStatus) == 24);

}  // namespace strata::ir::loops
