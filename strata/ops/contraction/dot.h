// Contractions: general dot, matrix product, einsum, and convolution.
#pragma once

#include <string_view>

#include "strata/ops/contraction/algorithms.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kDot, kDotFlushed, kConv;

/// Axes that are multiplied and summed, and axes that are only shared; pairs by position.
struct DotAxes {
  Ints lhs_contract, rhs_contract, lhs_batch, rhs_batch;
  DotAlgorithm algorithm = DotAlgorithm::Direct;  ///< E0116 where it does not fit
};
/// Result axes: batch, lhs free, rhs free. `result`: dtype of the result, the operands' by default; i32 for i8 operands
/// and f32 for half floats are the useful others.
STRATA_FUNCTION(dot, (lhs, rhs), (const DotAxes& axes, std::optional<DType> result = std::nullopt), (axes, result))
/// NumPy's matmul: [..., m, k] x [..., k, n]; a rank-1 side is a row or column that is dropped again; leading axes
/// broadcast.
STRATA_FUNCTION(matmul, (lhs, rhs), (), ())
/// Einstein summation, in NumPy's notation: "bik,bkj->bij"; "ii->i" (an index twice: the diagonal),
/// "...ij,...jk->...ik" (leading axes broadcast), "ij,jk" (the result has the indices that stand once). Three operands
/// and more, up to 64, are contracted two at a time in the order of least multiplications, which is a function of the
/// shapes (contraction_order.h). A text that is no formula: E0116; extents or ranks that differ: E0102.
Value einsum(std::string_view formula, const std::vector<Value>& operands);

/// Per spatial axis; empty lists mean 1 (strides, dilations) and 0 (padding).
struct ConvShape {
  Shape strides, pad_lo, pad_hi, lhs_dilation, rhs_dilation;
  int64_t groups = 1;
  std::optional<DType> result = {};  ///< dtype of the result; none: x's, and i32 of bytes with and without a sign
  /// E0116 where it does not fit: Winograd's are for floats, two spatial axes, windows of 3 x 3 and no strides or
  /// dilations.
  ConvAlgorithm algorithm = ConvAlgorithm::Direct;
};
/// The same with one entry per spatial axis in each list, and the dtype of the result.
ConvShape with_all_lists(const ConvShape& shape, Value x, Value w);
/// x [N, C, spatial...] with w [O, C / groups, window...] gives [N, O, spatial...]; cross-correlation, as in every
/// framework.
Value conv(Value x, Value w, const ConvShape& shape = {});
/// The same for users: E0101 for a window that is larger than the padded image, which the op takes for an empty result.
Value fitting_conv(Value x, Value w, const ConvShape& shape = {});

template <Handle V>
V einsum(std::string_view formula, const std::vector<V>& operands, Source at = Source::here()) {
  return lift<V>(at, [&](const std::vector<Value>& v) { return einsum(formula, v); }, operands);
}
template <Handle V>
V conv(V x, V w, const ConvShape& shape = {}, Source at = Source::here()) {
  return lift<V>(at, [&](Value a, Value b) { return fitting_conv(a, b, shape); }, x, w);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::DotAlgorithm, ops::DotAxes, ops::ConvAlgorithm, ops::ConvShape, ops::dot, ops::matmul, ops::einsum,
    ops::conv;

}  // namespace strata
