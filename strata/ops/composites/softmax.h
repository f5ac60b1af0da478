// softmax and its relatives, one-hot rows, and cross-entropy. Half floats compute in f32 and come back in their dtype.
// Each but one_hot is recorded as a composite of its name.
#pragma once

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

/// log(sum(exp(x))) over the axes, without overflow; -inf, with derivative 0, where all are -inf.
STRATA_FUNCTION(logsumexp, (x), (const Ints& axes), (axes))
STRATA_FUNCTION(softmax, (x), (int64_t axis), (axis))
STRATA_FUNCTION(log_softmax, (x), (int64_t axis), (axis))
/// 1 where the class equals the index (an integer, E0100), in a new last axis of extent `classes`; all 0 for an index
/// out of range.
STRATA_FUNCTION(one_hot, (indices), (Dim classes, DType dtype = DType::f32), (classes, dtype))

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
STRATA_FUNCTION(cross_entropy, (logits, targets), (const CrossEntropyOptions& options = {}), (options))

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Reduction, ops::CrossEntropyOptions, ops::logsumexp, ops::softmax, ops::log_softmax, ops::one_hot,
    ops::cross_entropy;

}  // namespace strata
