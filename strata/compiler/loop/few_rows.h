// Schedules of a product for sizes that are small, beside the general one: a program has a kernel for each, and a run
// picks one (ir/plan/plan.h: variants).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

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
