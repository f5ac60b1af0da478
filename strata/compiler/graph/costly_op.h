// Which ops are worth a buffer for their results, as fusion and the choice of residuals see them.
#pragma once

#include "strata/ir/graph/op.h"

namespace strata::compiler {

/// Work per element that is worth a buffer: division, roots and everything made of polynomials.
inline bool is_costly(const ir::Node& node) {
  return node.op->is_pointwise && node.op->tolerance.kind == ir::Tolerance::Kind::Ulp && node.op->tolerance.amount >= 1;
}

}  // namespace strata::compiler
