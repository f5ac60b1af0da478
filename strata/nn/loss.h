// Losses, with PyTorch's formulas. Each gives a scalar by the mean over its elements unless the reduction says
// otherwise. Prediction and target have one type: nothing is promoted or broadcast silently.
#pragma once

#include "strata/ops/composites/softmax.h"
#include "strata/tensor/tensor.h"

namespace strata::nn {

using ops::CrossEntropyOptions;
using ops::Reduction;

/// logits [..., C] and integer targets [...]; ignore_index, label_smoothing and reduction in the options.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {},
                     Source at = Source::here());
/// (x - y)^2
Tensor mse(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::Mean, Source at = Source::here());
/// |x - y|
Tensor l1(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::Mean, Source at = Source::here());
/// (x - y)^2 / 2 within `delta`, delta (|x - y| - delta / 2) beyond.
Tensor huber(const Tensor& x, const Tensor& y, double delta = 1, Reduction reduction = Reduction::Mean,
             Source at = Source::here());
/// -(y log p + (1 - y) log(1 - p)) of probabilities; the logarithms are cut at -100.
Tensor bce(const Tensor& p, const Tensor& y, Reduction reduction = Reduction::Mean, Source at = Source::here());
/// The same of p = sigmoid(x), without overflow.
Tensor bce_with_logits(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::Mean,
                       Source at = Source::here());
/// y (log y - x) with x = log q, 0 where y is 0; the mean is over the batch (axis 0), as the definition has it.
Tensor kl_div(const Tensor& log_q, const Tensor& y, Reduction reduction = Reduction::Mean, Source at = Source::here());

}  // namespace strata::nn
