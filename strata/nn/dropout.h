// Dropout (Srivastava et al. 2014): in training each element is zero with probability `rate`, the others are scaled up.
#pragma once

#include "strata/nn/context.h"

namespace strata::nn {

/// Bool, true with probability 1 - rate; undefined where nothing is dropped: out of training, and at rate 0. E0509 for
/// a rate outside of [0, 1).
Tensor dropout_mask(double rate, const Path& path, const Shape& shape, Context& context, Source at);

/// The mask is a function of the context's key, the layer's path and the position, not of the batch's size or of
/// threads.
struct Dropout {
  double rate = 0.5;
  Path path{};
  STRATA_FIELDS(rate)

  Tensor operator()(const Tensor& x, Context& context, Source at = Source::here()) const;
};

}  // namespace strata::nn
