// Which outputs of a naive kernel may be written over which inputs.
#pragma once

#include <utility>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Pairs (output, input) of positions among the kernel's outputs and inputs such that every element of the input is
/// read only where the output's element of the same index is stored, and not after. Only kernels that are one nest of
/// independent iterations with nothing but stores in it qualify: a schedule may then not read an element again after it
/// was overwritten.
std::vector<std::pair<int, int>> in_place_pairs(const ir::loops::Kernel& kernel);

}  // namespace strata::compiler
