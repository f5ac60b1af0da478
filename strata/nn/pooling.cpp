#include "strata/nn/pooling.h"

#include "strata/base/error/codes/train_codes.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/window/window.h"

namespace strata::nn {
namespace {

template <int spatial>
ops::Pool pool_of(std::string_view name, const Extent<spatial>& window, const PoolOptions<spatial>& options,
                  Source at) {
  ops::noting_line(user_line(at), [&] {
    const base::OptionCheck check(base::code::kOptionOutOfRange, name);
    check_extent(check, "window", window, base::kExtent);
    check_extent(check, "stride", options.stride, base::kExtentOrNone);
    check_extent(check, "padding", options.padding, base::kExtentOrNone);
  });
  Shape stride = options.stride.shape();
  for (int a = 0; a < spatial; ++a)
    if (options.stride[a] == 0) stride[a] = Dim(window[a]);
  return {window.shape(), stride, options.padding.shape(), options.counts_padding};
}

}  // namespace

Tensor max_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options, Source at) {
  const LineScope scope(at);
  return max_pool(x, pool_of("max_pool", window, options, at), at);
}
Tensor max_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options, Source at) {
  const LineScope scope(at);
  return max_pool(x, pool_of("max_pool", window, options, at), at);
}
Tensor max_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options, Source at) {
  const LineScope scope(at);
  return max_pool(x, pool_of("max_pool", window, options, at), at);
}
Tensor avg_pool1d(const Tensor& x, Extent<1> window, const PoolOptions<1>& options, Source at) {
  const LineScope scope(at);
  return avg_pool(x, pool_of("avg_pool", window, options, at), at);
}
Tensor avg_pool2d(const Tensor& x, Extent<2> window, const PoolOptions<2>& options, Source at) {
  const LineScope scope(at);
  return avg_pool(x, pool_of("avg_pool", window, options, at), at);
}
Tensor avg_pool3d(const Tensor& x, Extent<3> window, const PoolOptions<3>& options, Source at) {
  const LineScope scope(at);
  return avg_pool(x, pool_of("avg_pool", window, options, at), at);
}

Tensor global_avg_pool(const Tensor& x, Source at) {
  const LineScope scope(at);
  return mean(x, ops::iota_ints(2, x.rank() - 2), ops::Keep::Drop, at);
}

}  // namespace strata::nn
