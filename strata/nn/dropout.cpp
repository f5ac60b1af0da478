#include "strata/nn/dropout.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/ops/elementwise.h"

namespace strata::nn {

Tensor dropout_mask(double rate, const Path& path, const Shape& shape, Context& context, Source at) {
  if (!(rate >= 0 && rate < 1)) throw base::Error("E0509", fmt::format("dropout: the rate is {}, not in [0, 1)", rate));
  if (!context.is_training() || rate == 0) return {};
  return bernoulli(context.key_for(path), shape, 1 - rate, at);
}

Tensor Dropout::operator()(const Tensor& x, Context& context, Source at) const {
  const PathScope scope = path.enter();
  const Tensor is_kept = dropout_mask(rate, path, x.shape(), context, at);
  if (!is_kept.defined()) return x;
  return select(is_kept, mul(x, 1 / (1 - rate), at), 0.0, at);
}

}  // namespace strata::nn
