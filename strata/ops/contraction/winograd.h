// Convolution by 3 x 3 with fewer multiplications (Winograd 1980; Lavin and Gray 2015, arXiv 1509.09308): m x m results
// come of a tile of (m + 2) x (m + 2) elements, as the products of two transformed tiles.
//
//   Y = A' [ sum over channels of (G w G') * (B' x B) ] A          B [t, t], G [t, 3], A [t, m]; t = m + 2
//
// It is written with other ops, as the composite "conv_winograd":
//
//   x [N, G * I, H, W]   -> padded to whole tiles, channels last   [h m + 2, v m + 2, N, G * I]     h x v tiles
//   B' x B               -> rows, then columns                     [t, t, h, v, N, G, I]
//   G w G'               -> rows, then columns                     [t, t, G, I, O]      of the weights alone
//   sum over channels    -> t * t * G products of matrices         [t, t, G, h, v, N, O]
//   A' [...] A           -> rows, then columns                     [h m, v m, N, G * O]
//   y [N, G * O, H', W']
//
// What is rounded: a transform is a chain of sums in ascending order, products by its constants rounded each; the sum
// over channels is that of `dot`. So with u = eps / 2 each result is within
//
//   (c + 4 t) u Y~      Y~: the same formula of |x|, |w| and the matrices' absolute values,
//                       c = min(channels of a group, 256) + the height of the tree that joins blocks of 256
//
// of the exact one, to first order; usually far less: for standard normal inputs and 16 to 512 channels the root mean
// square of the errors is 0.7 to 1.8 (m = 2) and 5 to 12 (m = 4) times that of the ordinary form. NaN and infinity
// reach all results of their tile. The cotangent of x goes by the same algorithm, that of w by the ordinary form, which
// is exact in its own order.
#pragma once

#include "strata/ops/contraction/dot.h"

namespace strata::ops {

/// Why Winograd's convolutions don't take this one, of which `shape` has all lists: "takes windows of 3 x 3, found
/// f32[64,64,1,1]"; empty if they do.
std::string winograd_misfit(Value x, Value w, const ConvShape& shape);
/// `shape`: with all lists and an algorithm that is not Direct. E0116 where that does not fit, else what `conv` throws.
Value winograd_conv(Value x, Value w, const ConvShape& shape);

/// A matrix of transforms, row by row.
struct TransformMatrix {
  int rows = 0, columns = 0;
  std::span<const double> elements;
  double at(int row, int column) const {
    return elements[static_cast<size_t>(row) * static_cast<size_t>(columns) + static_cast<size_t>(column)];
  }
};
struct WinogradMatrices {
  int results = 0;         ///< m
  TransformMatrix image;   ///< B' [m + 2, m + 2]
  TransformMatrix window;  ///< G [m + 2, 3]
  TransformMatrix back;    ///< A' [m, m + 2]
};
const WinogradMatrices& winograd_matrices(ConvAlgorithm algorithm);

}  // namespace strata::ops
