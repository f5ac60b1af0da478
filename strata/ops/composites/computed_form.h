// Composites that are computed by another graph than the body that they mean: one with the same bits, of which better
// kernels can be made, and which is of no use for derivatives. Compilers ask for it; transforms and the interpreter
// take the body.
#pragma once

#include "strata/ir/graph/graph.h"

namespace strata::ops {

/// The other graph, of the composite's operands; null: its body is computed as it stands. `facts`: of the program.
ir::GraphRef computed_form(const ir::Node& composite, const ir::Facts& facts);

}  // namespace strata::ops
