// The derivatives of a convolution, which are convolutions.
#pragma once

#include "strata/ops/contraction/dot.h"

namespace strata::ops {

/// Extent of `d` elements at distance `dilation`.
Dim spread_extent(Dim d, Dim dilation);

/// The shape of a node of the op `conv`, with all lists.
ConvShape shape_of_conv(const Node& conv);

/// `v`, whose extents are those of `wanted`, though they may be spelled otherwise.
Value settled(Value v, Type wanted);

/// A convolution that is not recorded yet. `shape` has all lists.
struct ConvOperands {
  Value x, w;
  ConvShape shape;
};
/// The convolution that gives the cotangent of x, of the type `x`, where the result has `ct`: that cotangent, dilated
/// by the strides, with the window turned round, by the same algorithm. The padding at the end makes the extent come
/// out as x's, whatever the strides left over.
ConvOperands conv_of_x_cotangent(Value ct, Value w, const ConvShape& shape, Type x);
/// Its result; a strided convolution's goes by phases.
Value conv_cotangent_of_x(Value ct, Value w, const ConvShape& shape, Type x);

/// The cotangent of w, of the type `w`: x with its channels as batch and the batch as channels, against the result's
/// cotangent as the window, which is larger than any that a faster algorithm is for.
Value conv_cotangent_of_w(Value ct, Value x, const ConvShape& shape, Type w);

}  // namespace strata::ops
