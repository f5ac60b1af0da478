// Losses. Each gives a scalar by the mean unless `reduction` says otherwise.
#pragma once

#include "strata/ops/composites/softmax.h"
#include "strata/tensor/tensor.h"

namespace strata::nn {

using ops::CrossEntropyOptions;
using ops::Reduction;

/// logits [..., C] and integer targets [...]; ignore_index, label_smoothing and reduction in the options. Scalar.
inline Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {},
                            Source at = Source::here()) {
  return ops::cross_entropy(logits, targets, options, at);
}

}  // namespace strata::nn
