// The numbers of a product's schedule: how it is cut into tasks, panels and register tiles. All are free but one: a
// panel holds whole blocks of the chain, which are part of what the product means.
//
//   task      task_rows x task_columns of the result, all of k
//   panel     panel_depth of k at a time; row_block rows of the packed operand stay in the second cache
//   tile      tile_rows x (tile_vectors * lanes) accumulators in registers, joined with what waits after each block
#pragma once

#include "strata/compiler/loop/nest/windows.h"

namespace strata::compiler {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The smallest multiple of b from a on.
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

struct Tiling {
  int lanes = 1;
  int64_t tile_rows = 1, tile_vectors = 1;
  int64_t panel_depth = 256;  ///< of a panel, whole blocks of the chain
  int64_t row_block = 1;      ///< a multiple of tile_rows
  int64_t task_rows = 1;      ///< a multiple of tile_rows
  int64_t task_columns = 1;   ///< a multiple of tile_columns()

  int64_t tile_columns() const { return tile_vectors * lanes; }
  /// Rows of the tiles of a task, the last one whole.
  int64_t padded_task_rows() const { return round_up(task_rows, tile_rows); }
  /// Elements behind a line of a buffer that is filled by vectors: the last one may reach too far. At least 16, so that
  /// lines of a power of two start in different sets of the cache.
  int64_t slack() const { return lanes > 16 ? lanes : 16; }
  friend bool operator==(const Tiling&, const Tiling&) = default;
};

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

/// Windows along rows.
struct RowWindowTiling {
  Tiling tiling;            ///< tile_rows: the most offsets of a window in one register tile; panel_depth: positions
  int64_t pieces = 1;       ///< register tiles that a window is cut into, all about as large
  int64_t task_pieces = 1;  ///< 1 or all
  int64_t task_free = 1;    ///< free rows in a task
  int64_t panel_free = 1;   ///< steps of the depth's free loops in a panel
  friend bool operator==(const RowWindowTiling&, const RowWindowTiling&) = default;
};
/// Fills in what follows from the rest and the windows: rows of a register tile and the positions gone through.
void complete(RowWindowTiling& tiling, const Windows& windows);

/// Vectors along the batch.
struct LaneTiling {
  Tiling tiling;               ///< of lanes and task_rows; the rest follows
  int64_t tile_positions = 1;  ///< of a register tile, along the innermost axis
  int64_t tile_lines = 1;      ///< of a register tile; of whole lines if there are several
  int64_t lines = 1;           ///< of the outermost axis in a task
  int64_t images = 1;          ///< of the loop in front of the windows in a task
  friend bool operator==(const LaneTiling&, const LaneTiling&) = default;
};
/// Fills in what follows from the rest and the windows.
void complete(LaneTiling& tiling, const Windows& windows);
/// Elements of the operands and of one plane of sums that a task has in scratch.
double scratch_elements(const LaneTiling& tiling, const Windows& windows);

}  // namespace strata::compiler
