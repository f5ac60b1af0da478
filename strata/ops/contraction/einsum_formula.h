// Formulas of einsum, as NumPy reads them: "ij,jk->ik", "bii->bi", "...ij,...jk->...ik", "ij,jk" (without an arrow the
// result has the indices that stand once, in the order of the alphabet, behind the axes of `...`).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ops/operands/axes.h"

namespace strata::ops {

/// Names of axes: a letter is its character; the axes of `...` are kEllipsisAxis + 0, 1, ... counted from the last.
using AxisNames = std::vector<int>;
inline constexpr int kEllipsisAxis = 256;

struct EinsumFormula {
  std::vector<AxisNames> operands;  ///< one name for each axis of each operand
  AxisNames result;
};

/// The formula for operands of these ranks. E0116 for a text that is none, E0102 where it doesn't fit a rank.
EinsumFormula parse_einsum(std::string_view text, const std::vector<Value>& operands);

/// "index 'j'", "axis -2 of ...", which is the last but one: for messages.
std::string axis_name_text(int name);

bool has_name(const AxisNames& names, int name);

}  // namespace strata::ops
