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
  t.panel_depth = tiling.panel_free * w.offset_count();
}

void complete(LaneTiling& tiling, const Windows& w) {
  Tiling& t = tiling.tiling;
  t.tile_vectors = 1;
  t.tile_rows = 1;
  t.row_block = t.task_rows;
  t.task_columns = t.lanes;
  t.panel_depth = w.offset_count();
}

double scratch_elements(const LaneTiling& tiling, const Windows& w) {
  double plane = 1, results = static_cast<double>(tiling.tiling.task_rows);
  for (size_t i = 0; i < w.axes.size(); ++i) {
    const WindowAxis& axis = w.axes[i];
    const int64_t positions = i == 0 ? tiling.lines : axis.space_extent;
    plane *= static_cast<double>(axis.stride * (positions - 1) + axis.step * (axis.offset_extent - 1) + 1);
    results *= static_cast<double>(positions);
  }
  const double rows = static_cast<double>(tiling.tiling.task_rows) * static_cast<double>(w.offset_count());
  return tiling.tiling.lanes * (plane + results + rows);
}

}  // namespace strata::compiler
