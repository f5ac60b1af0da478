// Pooling over the spatial axes of [N, C, spatial...]. Functions: pools have no parameters.
#pragma once

#include "strata/nn/extent.h"

namespace strata::nn {

/// `stride` 0 means the window, axis by axis. The padding, less than the window, never wins a maximum; in an average it
/// counts as PyTorch's default has it.
template <int spatial>
struct PoolOptions {
  Extent<spatial> stride = 0, padding = 0;
  bool counts_padding = true;
};

Tensor max_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options = {}, Source at = Source::here());
Tensor max_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options = {}, Source at = Source::here());
Tensor max_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options = {}, Source at = Source::here());
Tensor avg_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options = {}, Source at = Source::here());
Tensor avg_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options = {}, Source at = Source::here());
Tensor avg_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options = {}, Source at = Source::here());
/// The mean over all spatial axes: [N, C].
Tensor global_avg_pool(const Tensor& x, Source at = Source::here());

}  // namespace strata::nn
