// The schedule of contractions: packed operands, a register tile, the epilogue where a row of tiles is finished.
//
//   parallel task over (batch, task_rows of rows, task_columns of columns)
//     for kb over blocks of depth
//       pack columns (panels.h)
//       for rb over blocks of rows
//         pack rows
//         for each row of tiles, each tile:  sums = reload; for k { sums = fma(row, column, sums) }; store sums
//         at the last kb: the epilogue, along the run of columns that its stores are contiguous in
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/contraction.h"
#include "strata/compiler/loop/tiling.h"

namespace strata::compiler {

std::vector<ir::loops::StmtPtr> schedule_contraction(const Contraction& contraction, ir::loops::LoopContext& context,
                                                     const ir::Facts& facts, const Tiling& tiling,
                                                     std::vector<std::string>& notes);

/// Whether rows and columns had better change places: vectors run along columns.
bool should_transpose(const Contraction& contraction, ir::loops::LoopContext& context, const ir::Facts& facts,
                      int lanes);

}  // namespace strata::compiler
