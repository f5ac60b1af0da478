// A window that is wider than the padded image gives an empty result, which is well defined and hardly ever meant.
#pragma once

#include <string_view>

#include "strata/nn/extent.h"

namespace strata::nn {

struct WindowOnAxis {
  int axis;         ///< of x
  int64_t reach;    ///< elements from the first that the window touches to the last, both counted
  int64_t padding;  ///< on each side
};
/// E0101 when the extent of x is known and too small, and not 0.
void require_window_fits(std::string_view layer, const Tensor& x, const WindowOnAxis& window, Source at);

template <int spatial>
void require_windows_fit(std::string_view layer, const Tensor& x, const Extent<spatial>& kernel,
                         const Extent<spatial>& padding, const Extent<spatial>& dilation, Source at) {
  for (int a = 0; a < spatial; ++a)
    require_window_fits(layer, x, {a + 2, dilation[a] * (kernel[a] - 1) + 1, padding[a]}, at);
}

}  // namespace strata::nn
