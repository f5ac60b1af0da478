// One kernel node of the fused graph as a loop program: the naive nest, before any schedule.
#pragma once

#include <string>

#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// `node` is a fusion, or any node whose form is Element, Reduction, Contraction, Loops or Update. The kernel's
/// parameters are the node's operands, then its results; its dims are the symbols that appear in their shapes.
ir::loops::Kernel lower_kernel(const ir::Node& node, const ir::Facts& facts, std::string name);

}  // namespace strata::compiler
