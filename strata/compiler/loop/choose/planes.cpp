#include "strata/compiler/loop/choose/planes.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/panels.h"

namespace strata::compiler {

using ir::Dim;
using ir::loops::LoopContext;
using machine::VectorUnit;

namespace {

constexpr int64_t kPlaneBytes = 192 * 1024;  // of all planes of a block: they stay in the second cache
constexpr int64_t kTaskOperations = 400'000;

/// Cycles of one step of depth in a register tile: two products or two loads each, and no chain waits for itself.
double step_cycles(int64_t rows, int64_t vectors) {
  constexpr double latency = 4;
  return std::max({static_cast<double>(rows * vectors) / 2, static_cast<double>(rows + vectors) / 2, latency});
}

/// The register tile that needs the fewest cycles for rows x columns, padding included. `unit`: vectors of a panel in
/// which the columns lie, or 1.
void choose_tile(Tiling& t, int64_t rows, int64_t columns, const machine::VectorUnit& vectors, Variation& variation,
                 int64_t unit = 1) {
  constexpr double overhead = 0.5;  // of a tile, per step of depth: reload, store, loop
  const int64_t all_vectors = ceil_div(columns, t.lanes);
  double best = 0;
  for (int64_t v = unit; v <= std::max(unit, std::min<int64_t>(8, all_vectors)); v += unit)
    for (int64_t r = 1; r <= rows && fits_registers(r, v, vectors); ++r) {
      const double tiles = static_cast<double>(ceil_div(rows, r)) * static_cast<double>(ceil_div(all_vectors, v));
      const double cycles = tiles * (step_cycles(r, v) + overhead);
      if (best != 0 && cycles >= best) continue;
      best = cycles;
      t.tile_rows = r;
      t.tile_vectors = v;
    }
  t.tile_vectors = unit * variation.pick(t.tile_vectors / unit, 1, 4 / unit);
  t.tile_rows = variation.pick(t.tile_rows, 1, std::min<int64_t>(rows, 25));
  while (t.tile_rows > 1 && !fits_registers(t.tile_rows, t.tile_vectors, vectors)) --t.tile_rows;
}

/// All steps, or whole blocks, or an even part of one: as many steps as fit `most`.
int64_t panel_of_blocks(int64_t most, int64_t block, int64_t all) {
  if (most >= all) return all;
  if (most >= block) return most / block * block;
  while (block % most != 0) --most;
  return most;
}

int64_t batch_tasks(const Contraction& k) {
  int64_t tasks = 1;
  for (const NestLoop& loop : k.batch.loops) tasks *= std::min<int64_t>(expected_extent(loop.extent), kUnknownExtent);
  return std::min(tasks, kUnknownExtent);
}

/// Whether a product of packed operands does better: what is computed between short lines is dropped, few positions
/// don't repay the packing of the rows, and where many rows share a panel, packing an element once for each offset
/// costs less.
bool is_better_packed(const Contraction& k, const Windows& w) {
  constexpr int64_t kManyRows = 96, kFewPositions = 16;
  const int64_t computed = w.axes[0].space_extent * w.strides()[0];
  return w.offset_count() >= 2 && expected_extent(k.rows.extent()) >= kManyRows &&
         (6 * computed >= 7 * w.positions() || w.positions() <= kFewPositions);
}

/// Tasks along the lines of an image, of `wanted` in all: each packs all rows, and tasks along the rows each pack all
/// planes. `least`: of the lines alone (AVX2, Zen 3, CPU time: 256 channels on 14 x 14 by 3 x 3 take 3.1 instead of
/// 3.6 ms by tasks along the rows, 512 with a stride 4.2 instead of 6.6).
int64_t tasks_along_lines(const Contraction& k, const Windows& w, int64_t least, int64_t wanted) {
  constexpr int64_t kFewestRows = 32;  // of a task
  const int64_t rows = expected_extent(k.rows.extent());
  int64_t best = std::max(least, wanted), fewest = 0;
  for (int64_t lines = wanted; lines >= 1; lines /= 2) {
    const int64_t tasks = std::max(lines, least), of_rows = ceil_div(wanted, tasks);
    if (of_rows > 1 && rows < kFewestRows * of_rows) continue;
    const int64_t packed = tasks * rows * w.offset_count() + of_rows * w.positions() * w.phases();
    if (fewest != 0 && packed >= fewest) continue;
    fewest = packed;
    best = tasks;
  }
  return best;
}

/// Empty where a plane is too large, or too much is computed between the lines.
std::optional<ColumnWindowTiling> tile_column_windows(const Contraction& k, const Windows& w,
                                                      const machine::VectorUnit& vectors, Variation& variation) {
  const int64_t offsets = w.offset_count();
  const std::optional<int64_t> block = free_steps_of_block(k, w);
  if (offsets < 2 || !block) return std::nullopt;
  ColumnWindowTiling made;
  Tiling& t = made.tiling;
  const ir::DType dtype = k.accumulator->type.dtype;
  t.lanes = lanes_of(dtype, vectors);
  const int64_t bytes = ir::dtype_bytes(dtype), rows = expected_extent(k.rows.extent());
  const std::vector<int64_t> strides = w.strides();
  const int64_t all_lines = w.axes[0].space_extent, free = expected_extent(w.free_depth.extent());

  constexpr int64_t most_positions = 1024;
  made.lines = std::clamp<int64_t>(most_positions / strides[0], 1, all_lines);
  const double operations = 2.0 * static_cast<double>(rows) * static_cast<double>(w.positions()) *
                            static_cast<double>(std::min(free * offsets, kUnknownExtent));
  const int64_t wanted = std::clamp<int64_t>(static_cast<int64_t>(operations / kTaskOperations), 1, 4);
  const int64_t outer_tasks = std::min(kUnknownExtent, batch_tasks(k) * expected_extent(w.free_loops.extent()));
  const int64_t least = ceil_div(all_lines, made.lines);  // tasks along the lines, or the plane is too large
  const int64_t line_tasks = outer_tasks < wanted ? tasks_along_lines(k, w, least, wanted) : least;
  made.lines = ceil_div(all_lines, std::min(all_lines, line_tasks));
  made.lines = variation.pick(made.lines, 1, made.lines);

  const int64_t outer = w.free_loops.is_empty() ? 1 : expected_extent(w.free_loops.loops.back().extent);
  const auto images = static_cast<int64_t>(5 * kTaskOperations / operations);
  if (!w.free_loops.is_empty())
    made.images = variation.pick(std::clamp<int64_t>(images, 1, std::clamp<int64_t>(outer / 4, 1, 8)), 1, 8);

  const int64_t plane_bytes = w.phases() * w.axes[0].length(made.lines) * strides[0] * bytes;
  const int64_t computed = made.lines * strides[0];
  const int64_t needed = w.positions() / all_lines * made.lines;
  if (plane_bytes > kPlaneBytes || computed > 2 * needed) return std::nullopt;
  // 512 deep at once, or 800 when that is all: a tile's rows stay in the first cache.
  const int64_t deep = free * offsets <= 800 ? free : std::max<int64_t>(1, 512 / offsets);
  const int64_t most = *block * plane_bytes <= 2 * kPlaneBytes ? *block : 1;
  made.panel_free = std::clamp<int64_t>(std::max(most, std::min(deep, kPlaneBytes / plane_bytes)), 1, free);
  made.panel_free = panel_of_blocks(variation.pick(made.panel_free, 1, made.panel_free), *block, free);

  choose_tile(t, std::min<int64_t>(rows, 64), computed, vectors, variation);
  t.row_block = round_up(std::min<int64_t>(rows, 168), t.tile_rows);
  t.task_rows = round_up(std::min<int64_t>(rows, 4 * t.row_block), t.tile_rows);
  if (line_tasks < wanted && outer_tasks < wanted)
    t.task_rows = std::min(t.task_rows, round_up(ceil_div(rows, ceil_div(wanted, line_tasks)), t.tile_rows));
  t.row_block = std::min(t.row_block, t.task_rows);
  complete(made, w);
  return made;
}

/// Whether rows that are copied element by element, since lines are short, or columns of which much lies between lines,
/// cost more than planes of which each element is copied once. Sums pass through memory once a block, which a deep
/// chain repays (AVX2, Zen 3,
/// CPU time: 256 channels on 4 x 4 take 4.9 instead of 8.1 ms, with a stride 3.0 instead of 8.5, 128 on 8 x 8 3.1
/// instead of 3.7; filter gradients of 16 images, one block deep, half as much again).
bool are_rows_better_windowed(const Contraction& k, const Windows& w, const machine::VectorUnit& vectors) {
  constexpr int64_t kMostPositions = 64;  // each tile of a window is code of its own
  constexpr int64_t kFewestBlocks = 4;
  const bool is_deep = k.blocks.count.is_constant() && k.blocks.count.constant() >= kFewestBlocks;
  return is_deep && w.positions() >= 4 && w.positions() <= kMostPositions && w.offset_count() >= 9 &&
         expected_extent(k.columns) >= 4 * lanes_of(k.accumulator->type.dtype, vectors) &&
         free_steps_of_block(k, w).has_value();
}

/// Vectors of a panel in which the columns lie; 0: they don't.
int64_t vectors_of_ready_panel(const Contraction& k, LoopContext& c, const ir::Facts& facts,
                               const machine::VectorUnit& vectors) {
  const auto panels = ready_panels(k, c, facts);
  return panels && panels->is_linear() ? panels->vectors(lanes_of(k.accumulator->type.dtype, vectors)) : 0;
}

/// Empty where a step of depth is too large to be packed at once, or the columns don't fill a vector. `panel_vectors`:
/// of a panel in which the columns lie, or 0.
std::optional<RowWindowTiling> tile_row_windows(const Contraction& k, const Windows& w, int64_t panel_vectors,
                                                const machine::VectorUnit& vectors, Variation& variation) {
  const int64_t window = w.positions(), positions = w.offset_count();
  if (window < 2 || window > 128 || positions < 2) return std::nullopt;
  if (!free_steps_of_block(k, w) && !are_blocks_pieces_of_windows(k, w)) return std::nullopt;
  RowWindowTiling made;
  Tiling& t = made.tiling;
  const ir::DType dtype = k.accumulator->type.dtype;
  t.lanes = lanes_of(dtype, vectors);
  const int64_t bytes = ir::dtype_bytes(dtype), columns = expected_extent(k.columns.extent());
  if (4 * columns < t.lanes) return std::nullopt;
  choose_tile(t, window, columns, vectors, variation, std::max<int64_t>(1, panel_vectors));
  made.pieces = ceil_div(window, t.tile_rows);
  made.task_pieces = made.pieces;
  t.task_columns = round_up(std::min<int64_t>(columns, 128), t.tile_columns());

  const int64_t free = expected_extent(w.free_loops.extent());
  // Enough rows to share what is packed for them, and no more: a batch of 16 makes several tasks.
  constexpr int64_t kSharingRows = 256, kMostFree = 16;
  made.task_free =
      free <= 8 ? ceil_div(free, 2) : std::min({ceil_div(free, 4), kMostFree, ceil_div(kSharingRows, window)});
  const bool has_tasks = batch_tasks(k) > 1 || free > 1;
  if (!has_tasks && columns > t.tile_columns()) {
    t.task_columns = std::min(t.task_columns, round_up(ceil_div(columns, 2), t.tile_columns()));
  } else if (!has_tasks) {
    made.pieces = std::max<int64_t>(made.pieces, 2);
    made.task_pieces = 1;
  }
  complete(made, w);

  made.task_free = variation.pick(made.task_free, 1, made.task_free);
  const int64_t plane_bytes = w.axes[0].length() * w.strides()[0] * bytes;
  if (plane_bytes > kPlaneBytes || positions * t.task_columns * bytes > kPlaneBytes) return std::nullopt;
  // Short chains of positions are gone through for several steps of the free loops, so that sums stay in registers.
  constexpr int64_t kPanelDepth = 256;
  const int64_t all = expected_extent(w.free_depth.extent()), block = free_steps_of_block(k, w).value_or(1);
  if (2 * positions <= kPanelDepth)
    made.panel_free =
        panel_of_blocks(variation.pick(std::max<int64_t>(1, kPanelDepth / positions), 1, block), block, all);
  made.task_free = std::clamp<int64_t>(kPlaneBytes / (plane_bytes * made.panel_free), 1, made.task_free);
  complete(made, w);
  return made;
}

}  // namespace

std::optional<Schedule> choose_planes(const Contraction& contraction, LoopContext& c, const ir::Facts& facts,
                                      const machine::VectorUnit& vectors, Variation& variation) {
  Contraction exchanged = contraction;
  exchanged.transpose();
  const Contraction* both[] = {&contraction, &exchanged};
  bool is_packed = false, are_rows_windowed = false;
  for (const Contraction* k : both) {
    if (!variation.is_best()) break;
    if (const auto windows = windows_along(Side::Columns, *k, c, facts))
      is_packed = is_packed || is_better_packed(*k, *windows);
    if (const auto windows = windows_along(Side::Rows, *k, c, facts))
      are_rows_windowed = are_rows_windowed || are_rows_better_windowed(*k, *windows, vectors);
  }
  for (const Contraction* k : both)
    if (const auto windows = is_packed || are_rows_windowed ? std::nullopt : windows_along(Side::Columns, *k, c, facts))
      if (const auto tiling = tile_column_windows(*k, *windows, vectors, variation))
        return ColumnWindowSchedule{.is_exchanged = k == &exchanged, .tiling = *tiling};
  for (const Contraction* k : both)
    if (const auto windows = windows_along(Side::Rows, *k, c, facts)) {
      constexpr int64_t kLongChain = 48;  // of positions: then a plane need not be packed for each
      if (is_packed && windows->offset_count() < kLongChain && !are_rows_better_windowed(*k, *windows, vectors))
        continue;
      const int64_t panel_vectors = vectors_of_ready_panel(*k, c, facts, vectors);
      const bool is_in_place = panel_vectors > 0 && variation.flip(true);
      const auto storage = is_in_place ? ColumnStorage::InPlace : ColumnStorage::Packed;
      if (const auto tiling = tile_row_windows(*k, *windows, is_in_place ? panel_vectors : 0, vectors, variation))
        return RowWindowSchedule{.is_exchanged = k == &exchanged, .tiling = *tiling, .columns = storage};
    }
  return std::nullopt;
}

}  // namespace strata::compiler
