// Status codes that lowered ops write when a check fails while a kernel runs (design.md, section 4.8); the executor
// turns them into errors.
#pragma once

#include <cstdint>

namespace strata::ops {

inline constexpr int64_t kStatusIndexOutOfRange =
    1;  ///< gather or scatter in check mode; the index is the position (E0118)
inline constexpr int64_t kStatusCheckFailed = 2;  ///< a `check` node; the index is the element (E0136)

}  // namespace strata::ops
