// Dropout (Srivastava et al. 2014): in training each element is zero with probability `rate`, the others are scaled up.
#pragma once

#include "strata/nn/context.h"

namespace strata::nn {

/// The mask is a function of the context's key, the layer's path and the position, not of the batch's size or of
/// threads.
struct Dropout {
  double rate = 0.5;
  Path path{};
  STRATA_FIELDS(rate)

  Tensor operator()(const Tensor& x, Context& context, Source at = Source::here()) const;
};

}  // namespace strata::nn
