// Reductions over sliding windows, and pooling. All lists have one entry per axis of x; padding never takes part.
#pragma once

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kWindowSum, kWindowMax, kWindowMin, kWindowArgmax, kWindowArgmin;

struct Window {
  Shape window, strides, pad_lo, pad_hi, dilation;  ///< empty lists: 1, 0 for the padding
};
/// With kWindowSum, kWindowMax or kWindowMin.
Value reduce_window(const Op& op, Value x, const Window& window);
/// The same for users: E0101 for a window that is larger than the padded array, which the op takes for an empty result.
Value reduce_fitting_window(const Op& op, Value x, const Window& window);
/// Where the extremum lies: the row-major position over the axes from `batch` on; -1 where the window holds only
/// padding.
Value window_position(const Op& op, Value x, const Window& window, int64_t batch);

/// Pooling over the trailing axes of [N, C, spatial...]; one entry per spatial axis. Empty strides mean the window. The
/// padding is less than the window (E0116): else a window would lie in it whole, and hold nothing.
struct Pool {
  Shape window, strides, padding;
  bool counts_padding = true;  ///< average: whether the padding counts in the divisor, as in PyTorch's default
};
STRATA_FUNCTION(max_pool, (x), (const Pool& pool), (pool))
STRATA_FUNCTION(avg_pool, (x), (const Pool& pool), (pool))

template <Handle V>
V reduce_window(const Op& op, V x, const Window& window, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return reduce_fitting_window(op, v, window); }, x);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Window, ops::Pool, ops::reduce_window, ops::max_pool, ops::avg_pool;

}  // namespace strata
