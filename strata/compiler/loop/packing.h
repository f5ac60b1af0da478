// What a product's kernel packs that could lie packed before it runs: a matrix that stays the same over many runs is
// brought into panels once, and all kernels read it there (nest/panels.h).
#pragma once

#include <optional>
#include <string>
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

/// Another schedule of the same product: for sizes with which `rows`, or another extent, is at most `most`.
struct FewRows {
  ir::Dim rows;
  int64_t most;
  std::string rewrites;
};

/// Of a product with one symbolic extent outside of its depth, as the number of images of a convolution: the schedule
/// for one, where it is another than that for many, whose tasks are whole images. Empty for other kernels.
std::optional<FewRows> schedule_for_one_image(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors);

/// Of a product of a symbolic number of rows by columns in panels: schedules for few rows, fewest first, with tiles of
/// so many rows and more columns, so that no arithmetic goes into rows that aren't there.
std::vector<FewRows> schedules_for_few_rows(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors);

}  // namespace strata::compiler
