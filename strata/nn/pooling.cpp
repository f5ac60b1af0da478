#include "strata/nn/pooling.h"

#include "strata/nn/window_fit.h"
#include "strata/ops/reduce.h"
#include "strata/ops/window.h"

namespace strata::nn {
namespace {

template <int spatial>
ops::Pool pool_of(std::string_view name, const Tensor& x, const Extent<spatial>& window,
                  const PoolOptions<spatial>& options, Source at) {
  require_windows_fit(name, x, window, options.padding, Extent<spatial>(1), at);
  const bool steps_by_window = options.stride.product() == 0;
  return {window.shape(), steps_by_window ? Shape() : options.stride.shape(), options.padding.shape(),
          options.counts_padding};
}

}  // namespace

Tensor max_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options, Source at) {
  return max_pool(x, pool_of("max_pool", x, window, options, at), at);
}
Tensor max_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options, Source at) {
  return max_pool(x, pool_of("max_pool", x, window, options, at), at);
}
Tensor max_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options, Source at) {
  return max_pool(x, pool_of("max_pool", x, window, options, at), at);
}
Tensor avg_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options, Source at) {
  return avg_pool(x, pool_of("avg_pool", x, window, options, at), at);
}
Tensor avg_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options, Source at) {
  return avg_pool(x, pool_of("avg_pool", x, window, options, at), at);
}
Tensor avg_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options, Source at) {
  return avg_pool(x, pool_of("avg_pool", x, window, options, at), at);
}

Tensor global_avg_pool(const Tensor& x, Source at) {
  return mean(x, ops::iota_ints(2, x.rank() - 2), ops::Keep::Drop, at);
}

}  // namespace strata::nn
