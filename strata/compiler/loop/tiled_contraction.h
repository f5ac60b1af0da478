// The schedule of contractions: packed operands, a register tile, the epilogue where a row of tiles is finished.
//
//   parallel task over (batch, task_rows of rows, task_columns of columns)
//     for kb over panels of depth, each of whole blocks of its chain
//       pack columns (panels.h)
//       for rb over blocks of rows
//         pack rows
//         for each row of tiles, each tile, each block:  sums = 0; for k { sums = fma(row, column, sums) }; join sums
//         at the last kb: the epilogue, along the run of columns that its stores are contiguous in
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/compiler/loop/variation.h"

namespace strata::compiler {

ContractionSchedule choose_contraction(Contraction contraction, ir::loops::LoopContext& context, const ir::Facts& facts,
                                       runtime::IsaLevel level, Variation& variation);

/// `notes` gets lines for `strata explain`. E0317 when rows are to be read in place and can't be.
std::vector<ir::loops::StmtPtr> write_contraction(Contraction contraction, const ContractionSchedule& schedule,
                                                  ir::loops::LoopContext& context, const ir::Facts& facts,
                                                  std::vector<std::string>& notes);

}  // namespace strata::compiler
