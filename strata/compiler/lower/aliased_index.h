// Row-major indices taken apart: where an element of a reshaped array lies in the array that it was.
#pragma once

#include <span>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/ir/type.h"

namespace strata::compiler {

/// The index of each axis, of a flattened row-major index.
std::vector<ir::loops::Expr> unflatten(ir::loops::LoopContext& context, ir::loops::Expr flat,
                                       std::span<const ir::Dim> extents);

/// The index in `from` of the element at `index` of the same memory under another shape.
std::vector<ir::loops::Expr> aliased_index(ir::loops::LoopContext& context, ir::Type type, ir::Type from,
                                           std::span<const ir::loops::Expr> index);

}  // namespace strata::compiler
