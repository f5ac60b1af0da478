// softmax and its relatives, one-hot rows, and cross-entropy. Half floats compute in f32 and come back in their dtype.
// Each but one_hot is recorded as a composite of its name.
#pragma once

#include "strata/ops/operands/axes.h"

namespace strata::ops {

/// log(sum(exp(x))) over the axes, without overflow; -inf, with derivative 0, where all are -inf.
Value logsumexp(Value x, const Ints& axes);
Value softmax(Value x, int64_t axis);
Value log_softmax(Value x, int64_t axis);
/// 1 where the class equals the index (an integer, E0100), in a new last axis of extent `classes`; all 0 for an index
/// out of range.
Value one_hot(Value indices, Dim classes, DType dtype = DType::f32);

enum class Reduction : uint8_t { None, Mean, Sum };
std::string_view reduction_name(Reduction reduction);  ///< "none", "mean", "sum": as an attribute of a composite
struct CrossEntropyOptions {
  double label_smoothing = 0.0;  ///< part of the target, 0 to 1, that is spread over all classes
  int64_t ignore_index = -100;   ///< targets that count nothing, also not in the mean
  Reduction reduction = Reduction::Mean;
};
/// logits [..., C], targets integers [...]: -log softmax at the target. The mean is over the targets that count: NaN if
/// none does. Logits of an ignored target may be anything, infinite and NaN too; their gradient is 0. A target that is
/// neither a class nor ignored is an error when the program runs (E0118).
Value cross_entropy(Value logits, Value targets, const CrossEntropyOptions& options = {});

template <Handle V>
V logsumexp(V x, const Ints& axes, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return logsumexp(v, axes); }, x);
}
template <Handle V>
V softmax(V x, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return softmax(v, axis); }, x);
}
template <Handle V>
V log_softmax(V x, int64_t axis, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return log_softmax(v, axis); }, x);
}
template <Handle V>
V one_hot(V indices, Dim classes, DType dtype = DType::f32, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return one_hot(v, classes, dtype); }, indices);
}
template <Handle V>
V cross_entropy(V logits, V targets, const CrossEntropyOptions& options = {}, Source at = Source::here()) {
  return lift<V>(at, [&](Value x, Value y) { return cross_entropy(x, y, options); }, logits, targets);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Reduction, ops::CrossEntropyOptions, ops::logsumexp, ops::softmax, ops::log_softmax, ops::one_hot,
    ops::cross_entropy;

}  // namespace strata
