// Sizes of the tiles of convolutions with windows, and whether windows pay at all. Like those of other contractions
// (tiling.h) all are free but that a panel of depth holds whole blocks of the chain, or an even part of one.
#pragma once

#include <optional>

#include "strata/compiler/loop/tiling.h"
#include "strata/compiler/loop/windows.h"

namespace strata::compiler {

/// Windows along columns.
struct ColumnWindowTiling {
  Tiling tiling;                ///< rows and vectors of the register tile; task_columns counts positions of the plane
  int64_t lines = 1;            ///< of the outermost axis in a task
  int64_t panel_free = 1;       ///< steps of the depth's free loops in a block
  int64_t images = 1;           ///< of the loop in front of the windows in a task
  bool are_rows_shared = true;  ///< by the images: packed once a task
  friend bool operator==(const ColumnWindowTiling&, const ColumnWindowTiling&) = default;
};
/// Fills in what follows from the rest and the windows: positions and depth of a task, and whether rows are shared.
void complete(ColumnWindowTiling& tiling, const Windows& windows);

/// Empty where a plane is too large, or more is computed between the lines than in them.
std::optional<ColumnWindowTiling> tile_column_windows(const Contraction& contraction, const Windows& windows,
                                                      runtime::IsaLevel level, Variation& variation);

/// Windows along rows.
struct RowWindowTiling {
  Tiling tiling;            ///< tile_rows: the most offsets of a window in one register tile; panel_depth: positions
  int64_t pieces = 1;       ///< register tiles that a window is cut into, all about as large
  int64_t task_pieces = 1;  ///< 1 or all
  int64_t task_free = 1;    ///< free rows in a task
  friend bool operator==(const RowWindowTiling&, const RowWindowTiling&) = default;
};
/// Fills in what follows from the rest and the windows: rows of a register tile and the positions gone through.
void complete(RowWindowTiling& tiling, const Windows& windows);

/// Empty where a step of depth is too large to be packed at once, or the columns don't fill a vector.
std::optional<RowWindowTiling> tile_row_windows(const Contraction& contraction, const Windows& windows,
                                                runtime::IsaLevel level, Variation& variation);

}  // namespace strata::compiler
