// Writes contractions: packed operands, or an operand's plane at shifted places; register tiles; the epilogue where a
// row of tiles is finished.
//
// Both operands packed (packed.cpp), or read where they lie as packing would have them.
//
//   parallel task over (batch, task_rows of rows, task_columns of columns)
//     for kb over panels of depth, each of whole blocks of its chain
//       pack columns (column_panel.h)
//       for rb over blocks of rows
//         pack rows (row_panel.h)
//         for each row of tiles, each tile, each block:  sums = 0; for k { sums = fma(row, column, sums) }; join sums
//         at the last kb: the epilogue, along the run of columns that its stores are contiguous in
//
// Convolutions whose windows need no panel read the plane of the windowed operand at shifted places (nest/windows.h).
// Windows along columns (forward, gradient of the input; positions.cpp). The positions of a task are numbered as they
// lie in the plane, so a vector of them is contiguous for every offset; the few between two lines are computed and
// dropped.
//
//   parallel task over (batch, rows, lines of the outermost axis)
//     for panel of the depth's free loops:  fill the planes; pack rows
//       for each row of tiles, each tile, each block of the chain:
//         sums = 0; for free { for offsets { sums = fma(row, plane[position + shift(offset)], sums) } }; join sums
//     at the last panel: the epilogue, line by line
//
// Windows along rows (gradient of the filter; offsets.cpp). All offsets of a window are rows of one register tile, or
// of a few, so their shifts are constants; vectors run along the columns of the other operand.
//
//   parallel task over (batch, free rows, pieces of the window, columns)
//     for panel of the depth's free loops:  pack columns; fill the planes of the free rows
//       for each tile of columns, free row, piece, block of the chain:  sums = 0, or what was cut;
//         for free { for positions { sums = fma(plane[position + shift], column, sums) } }; join sums
//     the epilogue
//
// Windows where the vectors run along the batch, since neither rows nor columns fill one (depthwise convolutions,
// forward and both gradients; batch_lanes.cpp). Both operands lie with the lanes innermost (lane_plane.h), and each
// result of a register tile is a vector of its own.
//
//   parallel task over (batch, images, lanes, rows, lines of the outermost axis)
//     for each image, free step of depth:  pack rows, fill the plane
//       for each row, tile of lines and positions, block of the chain:  sums = 0, or what was cut;
//         for offsets { sums = fma(row, plane[position + offset], sums) }; join sums
//     the epilogue
//
// Blocks of integers under scales (blocks.cpp): the sums of a block are dot products of bytes or words, and each enters
// the sums of f32 by one FMA.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"

namespace strata::compiler {

/// `notes` gets lines for `strata explain`. E0317 when rows or columns are to be read in place and can't be.
std::vector<ir::loops::StmtPtr> write_contraction(Contraction contraction, const ContractionSchedule& schedule,
                                                  ir::loops::LoopContext& context, const ir::Facts& facts,
                                                  std::vector<std::string>& notes);

/// E0317 when the contraction has no such windows.
std::vector<ir::loops::StmtPtr> write_column_windows(Contraction contraction, const ColumnWindowSchedule& schedule,
                                                     ir::loops::LoopContext& context, const ir::Facts& facts);
std::vector<ir::loops::StmtPtr> write_row_windows(Contraction contraction, const RowWindowSchedule& schedule,
                                                  ir::loops::LoopContext& context, const ir::Facts& facts);
std::vector<ir::loops::StmtPtr> write_batch_lanes(Contraction contraction, const BatchLaneSchedule& schedule,
                                                  ir::loops::LoopContext& context, const ir::Facts& facts);

/// E0317 when the columns don't lie in panels, or the sums of a block can't be made so.
std::vector<ir::loops::StmtPtr> write_blocks(const BlockProduct& product, const BlockSchedule& schedule,
                                             ir::loops::LoopContext& context, const ir::Facts& facts,
                                             std::vector<std::string>& notes);

}  // namespace strata::compiler
