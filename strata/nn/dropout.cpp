#include "strata/nn/dropout.h"

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/ops/composites/dropout.h"

namespace strata::nn {

namespace {

bool drops(double rate, const Context& context) {
  base::OptionCheck(base::code::kLayerOptions, "dropout").number("rate", rate, ops::kDropRate);
  return context.is_training() && rate != 0;
}

}  // namespace

Tensor dropout_mask(double rate, const Path& path, const Shape& shape, Context& context, Source at) {
  if (!ops::noting_line(user_line(at), [&] { return drops(rate, context); })) return {};
  return bernoulli(context.key_for(path), shape, 1 - rate, at);
}

Tensor Dropout::operator()(const Tensor& x, Context& context, Source at) const {
  if (!ops::noting_line(user_line(at), [&] { return drops(rate, context); })) return x;
  const LayerScope scope(path, at);
  return ops::dropout(x, context.key_for(path).bits, rate, at);
}

}  // namespace strata::nn
