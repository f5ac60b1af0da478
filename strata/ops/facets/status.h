// Status codes that lowered ops write when a check fails while a kernel runs (design.md, section 4.8); the executor
// turns them into errors. One number space with the codes of kernels themselves (runtime/kernel_abi.h), which begin at
// kStatusReserved; 0 means that all is well.
#pragma once

#include <cstdint>

namespace strata::ops {

/// Gather or scatter in check mode; the index is the position (E0118).
inline constexpr int64_t kStatusIndexOutOfRange = 1;
/// A `check` node; the index is the element (E0136).
inline constexpr int64_t kStatusCheckFailed = 2;
/// The first that is not the ops' own: kStatusNotFinite.
inline constexpr int64_t kStatusReserved = 3;

}  // namespace strata::ops
