// Which outputs of a naive kernel may be written over which inputs.
#pragma once

#include <utility>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// What a kernel's nest is, as far as its schedules are concerned.
enum class NestOf : uint8_t {
  Elements,  ///< or anything that is no product
  Products,  ///< a contraction with its epilogue
};

/// Pairs (output, input) of positions among the kernel's outputs and inputs such that every element of the input is
/// read only where the output's element of the same index is stored, and not after. Only kernels that are one nest of
/// independent iterations with nothing but stores in it qualify, and products, whose sums never lie in an output and
/// whose epilogue stores each element once: a schedule may then not read an element again after it was overwritten.
/// What the sums are made of is no candidate. And of programs of matrices, an input that is read nowhere but in the one
/// store of each element of an output: by loops whose variables are its indices, in either branch of a condition.
std::vector<std::pair<int, int>> in_place_pairs(const ir::loops::Kernel& kernel, NestOf nest);

}  // namespace strata::compiler
