// Losses of predictions and targets of one type, floats (E0100): nothing is promoted or broadcast (E0101). Formulas of
// PyTorch, computed in f32 and rounded once for half floats. Each is recorded as a composite of its name; cross-entropy
// stands with softmax.
#pragma once

#include "strata/ops/composites/softmax.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

/// (x - y)^2
STRATA_FUNCTION(mse, (x, y), (Reduction reduction = Reduction::Mean), (reduction))
/// |x - y|
STRATA_FUNCTION(l1, (x, y), (Reduction reduction = Reduction::Mean), (reduction))
/// (x - y)^2 / 2 within `delta`, delta (|x - y| - delta / 2) beyond.
STRATA_FUNCTION(huber, (x, y), (double delta = 1, Reduction reduction = Reduction::Mean), (delta, reduction))
/// -(y log p + (1 - y) log(1 - p)) of probabilities; the logarithms are cut at -100, and the denominator of the slope
/// (p - y) / (p (1 - p)) at 1e-12.
STRATA_FUNCTION(bce, (p, y), (Reduction reduction = Reduction::Mean), (reduction))
/// The same of p = sigmoid(x), without overflow.
STRATA_FUNCTION(bce_with_logits, (x, y), (Reduction reduction = Reduction::Mean), (reduction))
/// y (log y - x) with x = log q; 0 with slope 0 where y is 0, whatever x is. The mean is over the batch (axis 0), as
/// the definition has it.
STRATA_FUNCTION(kl_div, (log_q, y), (Reduction reduction = Reduction::Mean), (reduction))

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::mse, ops::l1, ops::huber, ops::bce, ops::bce_with_logits, ops::kl_div;

}  // namespace strata
