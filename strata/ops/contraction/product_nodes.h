// Which nodes are plain products of two operands.
#pragma once

#include <algorithm>

#include "strata/ir/graph/graph.h"
#include "strata/ops/contraction/dot.h"

namespace strata::ops {

/// Whether the node is a dot, with denormals or without.
inline bool is_dot(const ir::Node& node) { return node.op == &kDot || node.op == &kDotFlushed; }

/// Whether the node is a convolution by windows of one element, grouped or not: a product of the filters and the
/// channels at each position.
inline bool is_point_conv(const ir::Node& node) {
  return node.op == &kConv && std::ranges::all_of(node.operand(1).type().shape().subspan(2),
                                                  [](ir::Dim extent) { return extent == ir::Dim(1); });
}

}  // namespace strata::ops
