#include "strata/compiler/loop/choose/batch_lanes.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"

namespace strata::compiler {

using ir::loops::LoopContext;

namespace {

/// Of the operand without windows: more rows share what they read of the plane, and the plane's positions fill vectors.
constexpr int64_t kMostRows = 2;
constexpr int64_t kScratchBytes = 192 * 1024;  // of a task: it stays in the second cache
constexpr int64_t kTaskOperations = 2'000'000;

/// Lanes that the batch fills, at least four; 0 if it doesn't.
int lanes_of_batch(const Contraction& k, const machine::VectorUnit& vectors) {
  if (k.batch.is_empty()) return 0;
  const int64_t extent = expected_extent(k.batch.loops.back().extent);
  int lanes = lanes_of(k.accumulator->type.dtype, vectors);
  while (lanes > 4 && (extent < lanes || 2 * round_up(extent, lanes) >= 3 * round_up(extent, lanes / 2))) lanes /= 2;
  return lanes >= 4 && extent >= lanes ? lanes : 0;
}

/// Whether vectors along a line do better: its elements lie as they are read, where lanes of a batch are gathered and
/// scattered, some two cycles for each (Zen 3: even at lines of 8 and windows of 3 x 3, at 28 and 5 x 5; strides are
/// worse along a line at any length).
bool is_better_along_line(const Windows& w, int lanes) {
  constexpr int64_t kLargeWindow = 16;
  return w.phases() == 1 && w.offset_count() <= kLargeWindow && 2 * w.axes.back().space_extent >= 3 * lanes;
}

/// Positions of a register tile along a line: the fewest cycles, where a product is half of one and a chain waits four.
int64_t positions_of_tile(int64_t line, int64_t most) {
  const auto cycles = [](int64_t positions) {
    return positions == 0 ? 0.0 : std::max(4.0, static_cast<double>(positions) / 2) + 0.5;
  };
  int64_t best = 1;
  double least = 0;
  for (int64_t p = 1; p <= std::min(line, most); ++p) {
    const int64_t whole = line / p;
    const double all = static_cast<double>(whole) * cycles(p) + cycles(line - whole * p);
    if (least != 0 && all > least) continue;
    least = all;
    best = p;
  }
  return best;
}

LaneTiling tiling_of(const Contraction& k, const Windows& w, int lanes, const machine::VectorUnit& vectors,
                     Variation& variation) {
  LaneTiling made;
  made.tiling.lanes = lanes;
  made.tiling.task_rows = expected_extent(k.rows);
  const int64_t most = std::max(4, vectors.registers - 4);
  const int64_t line = w.axes.back().space_extent, lines = w.axes[0].space_extent;
  made.tile_positions = variation.pick(positions_of_tile(line, most), 1, std::min(line, most));
  if (made.tile_positions == line && w.axes.size() > 1) {
    const int64_t high = std::clamp<int64_t>(most / line, 1, w.axes[w.axes.size() - 2].space_extent);
    made.tile_lines = variation.pick(high, 1, high);
  }
  const int64_t bytes = ir::dtype_bytes(k.accumulator->type.dtype);
  made.lines = lines;
  while (w.axes.size() > 1 && made.lines > 1 &&
         scratch_elements(made, w) * static_cast<double>(bytes) > static_cast<double>(kScratchBytes))
    made.lines = ceil_div(made.lines, 2);
  if (w.axes.size() > 1) made.lines = variation.pick(made.lines, 1, made.lines);
  const int64_t positions = w.positions() / lines * made.lines,
                depth = std::min(expected_extent(w.free_depth) * w.offset_count(), kUnknownExtent);
  const double operations = 2.0 * lanes * static_cast<double>(made.tiling.task_rows) * static_cast<double>(positions) *
                            static_cast<double>(depth);
  if (!w.free_loops.is_empty()) {
    const auto images = static_cast<int64_t>(static_cast<double>(kTaskOperations) / operations);
    const int64_t all = expected_extent(w.free_loops.loops.back().extent);
    made.images = variation.pick(std::clamp<int64_t>(images, 1, std::clamp<int64_t>(all / 4, 1, 8)), 1, 8);
  }
  complete(made, w);
  return made;
}

}  // namespace

std::optional<BatchLaneSchedule> choose_batch_lanes(const Contraction& contraction, LoopContext& c,
                                                    const ir::Facts& facts, const machine::VectorUnit& vectors,
                                                    Variation& variation) {
  int lanes = lanes_of_batch(contraction, vectors);
  if (lanes == 0) return std::nullopt;
  Contraction exchanged = contraction;
  exchanged.transpose();
  const Contraction* both[] = {&contraction, &exchanged};
  for (const Contraction* k : both) {
    if (expected_extent(k->rows) > kMostRows) continue;
    const auto windows = windows_along(Side::Columns, *k, c, facts);
    if (!windows || windows->offset_count() < 2 || is_better_along_line(*windows, lanes)) continue;
    if (!free_steps_of_block(*k, *windows) && !are_blocks_pieces_of_windows(*k, *windows)) continue;
    if (lanes >= 8 && variation.flip(false)) lanes /= 2;
    return BatchLaneSchedule{.is_exchanged = k == &exchanged,
                             .tiling = tiling_of(*k, with_inner_axes(*windows), lanes, vectors, variation)};
  }
  return std::nullopt;
}

}  // namespace strata::compiler
