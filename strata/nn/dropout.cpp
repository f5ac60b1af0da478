#include "strata/nn/dropout.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/ops/composites/dropout.h"

namespace strata::nn {

namespace {

bool drops(double rate, const Context& context) {
  if (!(rate >= 0 && rate < 1)) throw base::Error("E0509", fmt::format("dropout: the rate is {}, not in [0, 1)", rate));
  return context.is_training() && rate != 0;
}

}  // namespace

Tensor dropout_mask(double rate, const Path& path, const Shape& shape, Context& context, Source at) {
  if (!drops(rate, context)) return {};
  return bernoulli(context.key_for(path), shape, 1 - rate, at);
}

Tensor Dropout::operator()(const Tensor& x, Context& context, Source at) const {
  if (!drops(rate, context)) return x;
  const PathScope scope = path.enter();
  return ops::dropout(x, context.key_for(path).bits, rate, at);
}

}  // namespace strata::nn
