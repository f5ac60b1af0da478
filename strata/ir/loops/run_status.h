// What a run of a loop program reports besides its buffers. Native code has its own form (runtime/kernel_abi.h).
#pragma once

#include <cstdint>

namespace strata::ir::loops {

/// Zero until a Check fails; the first failure stays.
struct RunStatus {
  int64_t code = 0;   ///< of the Check; 0: fine
  int64_t index = 0;  ///< the index that the Check names
};

}  // namespace strata::ir::loops
