// In which order the operands of an einsum are contracted, two at a time.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "strata/ops/contraction/einsum_formula.h"

namespace strata::ops {

/// What an extent counts as that is known only when the program runs: the order is part of the recorded program.
inline constexpr double kSymbolicExtent = 64;

/// Pairs of positions in the list of what is left, in which each result is appended behind the others. The order has
/// the least multiplications of all up to 8 operands; of more, each pair is the cheapest at hand. Equal costs: the pair
/// that stands first.
std::vector<std::pair<size_t, size_t>> contraction_order(const EinsumFormula& formula,
                                                         const std::vector<Value>& operands);

}  // namespace strata::ops
