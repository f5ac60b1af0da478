// Convolutions whose windows are one element: products of the filters and the channels at each position.
#pragma once

#include <algorithm>

#include "strata/ir/graph/graph.h"
#include "strata/ops/contraction/dot.h"

namespace strata::ops {

/// Whether the node is a convolution by windows of one element, grouped or not.
inline bool is_point_conv(const ir::Node& node) {
  return node.op == &kConv && std::ranges::all_of(node.operand(1).type().shape().subspan(2),
                                                  [](ir::Dim extent) { return extent == ir::Dim(1); });
}

}  // namespace strata::ops
