// What a product's kernel packs that could lie packed before it runs: a matrix that stays the same over many runs is
// brought into panels once, and all kernels read it there (nest/panels.h).
#pragma once

#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// Parameter `parameter` of a kernel is a matrix with a line of `line` stored elements for each column: [line,
/// columns], or [columns, line] if it lies along the depth. Its panels should have `width` columns, and `group`
/// neighbouring elements of a column beside each other.
struct ColumnsToPack {
  int parameter;
  int64_t columns, line, width, group;
  bool is_along_depth;
  friend bool operator==(const ColumnsToPack&, const ColumnsToPack&) = default;
};

/// What may be such a matrix: the columns that the kernel packs whole, and rows that had better be columns if they lay
/// in panels. None if the kernel is no product.
std::vector<ColumnsToPack> columns_to_pack(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors);

/// Whether the kernel's schedule reads its columns from panels, in place or to decode them.
bool reads_panels(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors);

}  // namespace strata::compiler
