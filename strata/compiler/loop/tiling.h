// Sizes of the tiles of a contraction, from the instruction set and what is known of the extents. All are free but one:
// a panel holds whole blocks of the chain, which are part of what the product means.
//
//   task      task_rows x task_columns of the result, all of k
//   panel     panel_depth of k at a time; row_block rows of the packed operand stay in the second cache
//   tile      tile_rows x (tile_vectors * lanes) accumulators in registers, joined with what waits after each block
#pragma once

#include "strata/compiler/loop/contraction.h"
#include "strata/compiler/loop/variation.h"
#include "strata/runtime/machine/isa_level.h"

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
  friend bool operator==(const Tiling&, const Tiling&) = default;
};

Tiling choose_tiling(const Contraction& contraction, runtime::IsaLevel level, Variation& variation);

/// Whether the accumulators, a row of the column operand and a broadcast fit the vector registers.
bool fits_registers(int64_t rows, int64_t vectors, runtime::IsaLevel level);

}  // namespace strata::compiler
