// Schedules of convolutions whose windows need no panel: register tiles read the plane of the windowed operand at
// shifted places (windows.h).
//
// Windows along columns (forward, gradient of the input). The positions of a task are numbered as they lie in the
// plane, so a vector of them is contiguous for every offset; the few between two lines are computed and dropped.
//
//   parallel task over (batch, rows, lines of the outermost axis)
//     for panel of the depth's free loops:  fill the planes; pack rows
//       for each row of tiles, each tile, each block of the chain:  sums = 0; for free { for offsets { sums = fma(row,
//                                           plane[position + shift(offset)], sums) } }; join sums
//     at the last panel: the epilogue, line by line
//
// Windows along rows (gradient of the filter). All offsets of a window are rows of one register tile, or of a few, so
// their shifts are constants; vectors run along the columns of the other operand.
//
//   parallel task over (batch, free rows, pieces of the window, columns)
//     for each free step of depth:  pack columns; fill the planes of the free rows
//       for each free row, piece, tile of columns, block of the chain:  sums = 0, or what was cut; for positions {
//                                           sums = fma(plane[position + shift], column, sums) }; join sums
//     the epilogue
#pragma once

#include <optional>
#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/compiler/loop/variation.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// One of the two; empty if the contraction has no windows that they pay for. Rows and columns may change places.
std::optional<Schedule> choose_windows(const Contraction& contraction, ir::loops::LoopContext& context,
                                       const ir::Facts& facts, runtime::IsaLevel level, Variation& variation);

/// E0317 when the contraction has no such windows.
std::vector<ir::loops::StmtPtr> write_column_windows(Contraction contraction, const ColumnWindowSchedule& schedule,
                                                     ir::loops::LoopContext& context, const ir::Facts& facts);
std::vector<ir::loops::StmtPtr> write_row_windows(Contraction contraction, const RowWindowSchedule& schedule,
                                                  ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
