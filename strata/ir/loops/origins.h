// Where values come from: a kernel is run in the loop interpreter, and beside each value goes a number that stands for
// the operations, and the elements of parameters, that it was made of.
//
// Two runs of two kernels leave equal numbers in an element if the same operations were applied, in the same order, to
// the same elements as they were before the run. So a rewrite that runs an iteration before one that it needs, or sums
// in another order, is found even where the bits agree by chance: by zeros, by NaN, by rounding.
//
// What is made of constants, dimensions and loop variables alone is known by its bits: it has no origin. The condition
// of a select decides which operand is taken and is no part of the origin, as a branch's is not. a + b and b + a, a * b
// and b * a are one, and so are the minimum and the maximum of two: none of them changes a bit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// For each parameter a number for each element, 0 for what has no origin. Runs on the buffers, which change. Nothing
/// for a kernel with dot products of groups, which take sums of integers apart in an order of their own.
std::optional<std::vector<std::vector<uint64_t>>> origins_of(const Kernel& kernel, std::span<void* const> buffers,
                                                             std::span<const int64_t> dims);

}  // namespace strata::ir::loops
