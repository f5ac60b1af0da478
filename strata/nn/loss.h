// Losses, with PyTorch's formulas. Each gives a scalar by the mean over its elements unless the reduction says
// otherwise.
#pragma once

#include "strata/ops/composites/loss.h"
#include "strata/tensor/tensor.h"

namespace strata::nn {

using ops::CrossEntropyOptions;
using ops::Reduction;

using ops::bce;
using ops::bce_with_logits;
using ops::cross_entropy;
using ops::huber;
using ops::kl_div;
using ops::l1;
using ops::mse;

}  // namespace strata::nn
