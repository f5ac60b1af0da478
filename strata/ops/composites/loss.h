// Losses of predictions and targets of one type, floats (E0100): nothing is promoted or broadcast (E0101). Formulas of
// PyTorch, computed in f32 and rounded once for half floats. Each is recorded as a composite of its name; cross-entropy
// stands with softmax.
#pragma once

#include "strata/ops/composites/softmax.h"

namespace strata::ops {

/// (x - y)^2
Value mse(Value x, Value y, Reduction reduction = Reduction::Mean);
/// |x - y|
Value l1(Value x, Value y, Reduction reduction = Reduction::Mean);
/// (x - y)^2 / 2 within `delta`, delta (|x - y| - delta / 2) beyond.
Value huber(Value x, Value y, double delta = 1, Reduction reduction = Reduction::Mean);
/// -(y log p + (1 - y) log(1 - p)) of probabilities; the logarithms are cut at -100, and the denominator of the slope
/// (p - y) / (p (1 - p)) at 1e-12.
Value bce(Value p, Value y, Reduction reduction = Reduction::Mean);
/// The same of p = sigmoid(x), without overflow.
Value bce_with_logits(Value x, Value y, Reduction reduction = Reduction::Mean);
/// y (log y - x) with x = log q; 0 with slope 0 where y is 0, whatever x is. The mean is over the batch (axis 0), as
/// the definition has it.
Value kl_div(Value log_q, Value y, Reduction reduction = Reduction::Mean);

template <Handle V>
V mse(V x, V y, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return mse(a, b, reduction); }, x, y);
}
template <Handle V>
V l1(V x, V y, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return l1(a, b, reduction); }, x, y);
}
template <Handle V>
V huber(V x, V y, double delta = 1, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return huber(a, b, delta, reduction); }, x, y);
}
template <Handle V>
V bce(V x, V y, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return bce(a, b, reduction); }, x, y);
}
template <Handle V>
V bce_with_logits(V x, V y, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return bce_with_logits(a, b, reduction); }, x, y);
}
template <Handle V>
V kl_div(V x, V y, Reduction reduction = Reduction::Mean, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return kl_div(a, b, reduction); }, x, y);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::mse, ops::l1, ops::huber, ops::bce, ops::bce_with_logits, ops::kl_div;

}  // namespace strata
