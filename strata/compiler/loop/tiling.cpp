#include "strata/compiler/loop/tiling.h"

namespace strata::compiler {

void complete(ColumnWindowTiling& tiling, const Windows& w) {
  tiling.are_rows_shared = !w.free_loops.is_empty();  // the rows don't move with them, but may with the batch
  tiling.tiling.task_columns = round_up(tiling.lines * w.strides()[0], tiling.tiling.tile_columns());
  tiling.tiling.panel_depth = tiling.panel_free * w.offset_count();
}

void complete(RowWindowTiling& tiling, const Windows& w) {
  Tiling& t = tiling.tiling;
  t.tile_rows = t.row_block = t.task_rows = ceil_div(w.positions(), tiling.pieces);
  t.panel_depth = w.offset_count();
}

}  // namespace strata::compiler
