#include "strata/compiler/loop/choose/product.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/operands.h"
#include "strata/compiler/loop/nest/panels.h"
#include "strata/compiler/loop/nest/rows_behind.h"

namespace strata::compiler {

using ir::Dim;
using ir::loops::LoopContext;
using machine::VectorUnit;

namespace {

/// Pieces of `extent` of at most `most`, all about as long, in multiples of `unit`.
int64_t even_piece(int64_t extent, int64_t most, int64_t unit) {
  const int64_t pieces = ceil_div(extent, std::max(most, unit));
  return round_up(ceil_div(extent, pieces), unit);
}

/// Rows by vectors of the register tile: accumulators, one row of the column operand and a broadcast fill the
/// registers. Vectors come in multiples of `unit`.
void choose_register_tile(Tiling& t, const machine::VectorUnit& vectors, int64_t rows, int64_t columns, int64_t unit) {
  const int registers = vectors.registers;
  const int64_t most_vectors = ceil_div(columns, t.lanes);
  // 8 rows do as well as 14 with 32 registers (Zen 5), and pad less where nothing is known.
  const bool has_many = registers >= 32;
  const int64_t full_rows = has_many ? (rows == kUnknownExtent ? 8 : 14) : vectors.is_narrow() ? 4 : 6;
  t.tile_vectors = std::min<int64_t>(vectors.is_narrow() ? 1 : 2, most_vectors);
  // A tile of few rows is wider, so that enough chains are in flight to hide the latency of one.
  while (rows < full_rows && t.tile_vectors < std::min<int64_t>(most_vectors, 8) &&
         rows * (t.tile_vectors + 1) + t.tile_vectors + 1 + 1 < registers)
    ++t.tile_vectors;
  t.tile_vectors = std::max(unit, t.tile_vectors / unit * unit);
  const int64_t most_rows = std::min<int64_t>(t.tile_vectors == 1 ? 2 * full_rows - 2 : full_rows,
                                              (registers - 2 - t.tile_vectors) / t.tile_vectors);
  t.tile_rows = std::min(rows, most_rows);
  if (rows >= kUnknownExtent) return;
  const double lower = has_many ? 0.03 : 0.4;
  // Padding costs rows, but a lower tile loads more for each product: 5 rows of 6 cost 7 % on AVX2 (1024^3, Zen 5).
  const int64_t highest = t.tile_rows;
  const auto cost = [&](int64_t r) {
    return static_cast<double>(round_up(rows, r)) *
           (1.0 + lower * static_cast<double>(highest - r) / static_cast<double>(highest));
  };
  for (int64_t r = highest; 2 * r >= highest && r >= 1; --r)
    if (cost(r) < cost(t.tile_rows)) t.tile_rows = r;
}

/// Rows that are few: they wait for the memory of the columns.
constexpr int64_t kFewRows = 16;

/// Columns that are read where they lie come in runs as long as the rows beside them stay in the first cache; where
/// several tiles of rows pass, the run stays there, too (8 rows of f32 and bf16 in memory that is in the second cache:
/// 18 and 8 % faster by runs of 256 than of 512, Zen 3).
int64_t deepest_beside(const Contraction& k, int64_t rows, const Tiling& t) {
  constexpr int64_t kBytes = 16 << 10;
  const int64_t of_columns = rows > t.tile_rows ? t.tile_columns() * ir::dtype_bytes(k.columns_operand->type.dtype) : 0;
  return kBytes / (rows * ir::dtype_bytes(k.rows_operand->type.dtype) + of_columns);
}

/// At least two tasks for two threads, if each still has some 400 thousand operations; four if that costs little.
/// `unit`: what the tile's vectors are a multiple of.
void cut_for_threads(Tiling& t, const Contraction& contraction, int64_t unit) {
  const int64_t rows = expected_extent(contraction.rows), columns = expected_extent(contraction.columns),
                depth = expected_extent(contraction.depth);
  const auto tasks = [&] {
    return ceil_div(rows, t.task_rows) * ceil_div(columns, t.task_columns) * expected_extent(contraction.batch);
  };
  while (tasks() < 4) {
    const double operations = 2.0 * static_cast<double>(t.task_rows) * static_cast<double>(t.task_columns) *
                              static_cast<double>(std::min<int64_t>(depth, 4096));
    if (operations < (tasks() < 2 ? 4e5 : 64e6)) break;
    // Narrower tiles where rows make no two tasks (AVX2: 96 x 16 x 16384 takes 1.7 instead of 2.8 ms by wide ones).
    const bool has_few_rows = t.task_rows < 2 * t.tile_rows;
    if (tasks() < 2 && has_few_rows && t.task_columns == t.tile_columns() && t.tile_vectors > unit &&
        columns > t.lanes) {
      t.tile_vectors = round_up(ceil_div(t.tile_vectors, 2), unit);
      t.task_columns = even_piece(columns, ceil_div(columns, 2), t.tile_columns());
    } else if (t.task_columns >= t.task_rows && t.task_columns > t.tile_columns()) {
      t.task_columns = even_piece(t.task_columns, ceil_div(t.task_columns, 2), t.tile_columns());
    } else if (t.task_rows > t.tile_rows) {
      t.task_rows = even_piece(t.task_rows, ceil_div(t.task_rows, 2), t.tile_rows);
    } else {
      break;
    }
  }
}

/// A few tasks are as many for each of two or four threads: of the 7 of 3136 columns one thread had 4 and the other 3.
void even_out_tasks(Tiling& t, const Contraction& contraction) {
  constexpr int64_t kThreads = 4, kMany = 32;
  const int64_t columns = expected_extent(contraction.columns), pieces = ceil_div(columns, t.task_columns),
                beside = ceil_div(expected_extent(contraction.rows), t.task_rows) * expected_extent(contraction.batch);
  if (pieces < 2 || beside >= kMany || pieces * beside <= kThreads || pieces * beside >= kMany) return;
  int64_t wanted = pieces;
  while (wanted * beside % kThreads != 0) ++wanted;
  const int64_t narrower = even_piece(columns, ceil_div(columns, wanted), t.tile_columns());
  if (ceil_div(columns, narrower) == wanted) t.task_columns = narrower;
}

/// `panel_vectors`: of a panel in which columns lie; 0: they don't.
Tiling best_tiling(const Contraction& contraction, const machine::VectorUnit& vectors, int64_t panel_vectors) {
  const bool is_in_place = panel_vectors > 0;
  const int64_t unit = std::max<int64_t>(panel_vectors, 1);
  Tiling t;
  t.lanes = lanes_of(contraction.accumulator->type.dtype, vectors);
  const int64_t rows = expected_extent(contraction.rows), columns = expected_extent(contraction.columns),
                depth = expected_extent(contraction.depth);
  const int64_t bytes = ir::dtype_bytes(contraction.accumulator->type.dtype);
  choose_register_tile(t, vectors, rows, columns, unit);
  // 16 or 32 KiB of packed columns beside a tile of rows in the first cache; 512 deep at once when that is all.
  const int64_t deepest = 256 * 4 / bytes;
  const DepthBlocks& blocks = contraction.blocks;
  const int64_t terms = round_up(std::max<int64_t>(1, blocks.terms), contraction.group);
  t.panel_depth = blocks.kind == DepthBlocks::Kind::Even && depth <= 2 * deepest ? round_up(depth, terms) : terms;
  if (is_in_place && blocks.kind == DepthBlocks::Kind::Even && rows <= kFewRows) {
    const int64_t deep = std::min(depth, deepest_beside(contraction, rows, t));
    t.panel_depth = std::max(t.panel_depth, round_up(deep, terms));
  }
  // All rows of a task are one block that stays in the second cache, so that columns are packed tile by tile, each into
  // the first one (336 rows; against 168 of 672, with all tiles packed before: 2048^3 9 and 6 % faster on AVX2 and
  // AVX-512, 64 x 3136 x 576 19 and 15 %, Zen 5).
  constexpr int64_t kBlock = 336;
  t.row_block = round_up(std::min(rows, kBlock), t.tile_rows);
  // Panels of groups are deep: their sums are not joined so often (1024 of bytes in pairs: 8 % faster at 2048^3, Zen
  // 3).
  const int64_t pack_limit = (contraction.group > 1 ? 256 : 512) * 4 / bytes;
  t.task_columns = even_piece(columns, pack_limit, t.tile_columns());
  // Sums of groups that wait for the next panel of depth stay in the second cache (8 % of 2048^3 of bytes, Zen 3).
  constexpr int64_t kWaitingRows = 256;
  const bool sums_wait = contraction.group > 1 && depth > t.panel_depth;
  t.task_rows = even_piece(rows, sums_wait ? kWaitingRows : kBlock, t.tile_rows);
  // Rows that may turn out to be few (a batch): then the columns have to make two tasks.
  if (rows == kUnknownExtent && columns != kUnknownExtent)
    t.task_columns = even_piece(columns, std::min(pack_limit, ceil_div(columns, 2)), t.tile_columns());
  cut_for_threads(t, contraction, unit);
  even_out_tasks(t, contraction);
  // The partial results of all tiles of a task wait in memory: the more of them, the smaller the task.
  constexpr int64_t most_sums = 1 << 21;
  const int64_t planes = sum_planes(blocks);
  while (planes * t.task_rows * t.task_columns > most_sums && t.task_rows > t.row_block)
    t.task_rows = std::max(t.row_block, even_piece(t.task_rows, ceil_div(t.task_rows, 2), t.tile_rows));
  while (planes * t.task_rows * t.task_columns > most_sums && t.task_columns > 128 && t.task_columns > t.tile_columns())
    t.task_columns = even_piece(t.task_columns, ceil_div(t.task_columns, 2), t.tile_columns());
  t.row_block = std::min(t.row_block, t.task_rows);
  t.task_rows = round_up(t.task_rows, t.tile_rows);
  return t;
}

/// Any tiling that works: what it costs is for a tuner to find out.
Tiling other_tiling(const Tiling& best, const Contraction& contraction, const machine::VectorUnit& vectors,
                    Variation& variation) {
  Tiling t = best;
  if (t.lanes >= 8 && variation.flip(false)) t.lanes /= 2;
  const int64_t rows = std::min<int64_t>(expected_extent(contraction.rows), 16);
  t.tile_vectors = variation.pick(t.tile_vectors, 1, 4);
  t.tile_rows = variation.pick(t.tile_rows, 1, rows);
  while (t.tile_rows > 1 && !fits_registers(t.tile_rows, t.tile_vectors, vectors)) --t.tile_rows;
  if (contraction.blocks.kind == DepthBlocks::Kind::Even)
    t.panel_depth = contraction.blocks.terms * variation.pick(1, 1, 3);
  t.row_block = t.tile_rows * variation.pick(1, 1, 12);
  t.task_rows = t.row_block * variation.pick(1, 1, 3);
  t.task_columns = t.tile_columns() * variation.pick(1, 1, 8);
  return t;
}

int any_group(const Contraction& k, LoopContext& c, Variation& variation) {
  const int groups[] = {1, 2, 4};
  const int group = groups[variation.pick(0, 0, 2)];
  return group == 1 || in_groups(k, group, c) ? group : 1;
}

/// Whether a matrix of results fills its register tiles so much better when rows and columns change places that it pays
/// to store its vectors element by element, once in all the steps of the depth.
bool fills_tiles_better(const Contraction& k, LoopContext& c, const ir::Facts& facts, int64_t lanes) {
  constexpr double kGain = 1.06, kStore = 1.5;
  const bool are_matrices = k.rows.loops.size() == 1 && k.columns.loops.size() == 1 && k.depth.loops.size() == 1;
  if (!are_matrices || k.behind || !k.is_float || ready_panels(k, c, facts)) return false;
  for (const LoopGroup* group : {&k.rows, &k.columns, &k.depth})
    if (!group->extent().is_constant() || group->extent().constant() < lanes) return false;
  const auto padding = [&](const LoopGroup& columns) {
    const int64_t count = columns.extent().constant();
    return static_cast<double>(round_up(count, 2 * lanes)) / static_cast<double>(count);
  };
  const double stores = kStore * static_cast<double>(2 * lanes) / static_cast<double>(k.depth.extent().constant());
  return padding(k.columns) > kGain * (padding(k.rows) + stores);
}

/// Whether rows and columns had better change places: vectors run along columns.
bool should_transpose(const Contraction& k, LoopContext& c, const ir::Facts& facts, int lanes) {
  const Dim rows = k.rows.extent(), columns = k.columns.extent();
  if (fills_tiles_better(k, c, facts, lanes)) return true;
  const bool few_columns = columns.is_constant() && columns.constant() < lanes;
  if (few_columns && (!rows.is_constant() || rows.constant() >= 2 * columns.constant())) return true;
  // Short runs of columns are packed element by element; rows that fill vectors are not.
  const bool has_many_rows = !rows.is_constant() || rows.constant() >= 2 * lanes;
  if (has_many_rows && !k.columns.is_empty() && !GroupIndex(c, facts, k.columns, {&k.columns_operand, 1}).is_linear()) {
    const Dim run = k.columns.loops.back().extent;
    if (run.is_constant() && 2 * run.constant() <= lanes) return true;
  }
  // The gradient of a convolution's window: short runs of columns, long runs of depth. As rows, whose panels lie along
  // the depth, they are copied by vectors; the other side is small.
  if (!rows.is_constant() || rows.constant() > 2 * lanes || k.columns.is_empty()) return false;
  const Dim run = k.columns.loops.back().extent;
  return run.is_constant() && run.constant() < 6 &&
         !GroupIndex(c, facts, k.depth, {&k.columns_operand, 1}).is_linear() &&
         contiguity(c, facts, k.columns_operand, k.depth, k.columns) > 0;
}

/// With many columns packing is nearly free, and its panel stays in the second cache. Rows that lie far apart use a
/// page each, and those a multiple of 4 KiB apart share one set of the first cache, which holds 8 lines: those of a low
/// tile (AVX2, Zen 3: 2048 x 64 x 2048 at 81 GF/s in place and 62 packed, 1024 x 196 x 256 at 77 and 72).
bool in_place_rows_pay(const Contraction& k, int64_t distance, const Tiling& tiling) {
  constexpr int64_t kFewColumns = 448, kShortWay = 2048, kLowTile = 6;
  const bool is_short = distance * ir::dtype_bytes(k.accumulator->type.dtype) <= kShortWay;
  return tiling.task_columns <= kFewColumns && (is_short || tiling.tile_rows <= kLowTile);
}

/// Rows that lie in panels are read where they lie when they change places with the columns.
bool rows_lie_in_panels(Contraction k, LoopContext& c, const ir::Facts& facts, int64_t lanes) {
  const auto columns_do = [&] {
    const auto panels = ready_panels(k, c, facts);
    return panels && panels->vectors(lanes) > 0;
  };
  if (columns_do()) return false;
  k.transpose();
  return columns_do();
}

/// What needs no decoding is read where it lies, and so is what one tile of rows decodes, or several where a few
/// operations cost less than to store and to load what they give (Zen 3: the 3 operations of q8_0 cost as much for 8
/// rows in two tiles, and 10 % more for 16 in three).
bool decoding_in_place_pays(const Contraction& k, const Tiling& t) {
  constexpr int64_t kCheapAgain = 3;
  if (k.columns_operand->op == ir::loops::ExprOp::Load) return true;
  const int64_t rows = expected_extent(k.rows), again = ceil_div(rows, t.tile_rows) - 1;
  return rows <= kFewRows && (again == 0 || again * decoding_operations(k) <= kCheapAgain);
}

}  // namespace

int64_t panel_width(ir::DType accumulator, const machine::VectorUnit& vectors, int64_t columns) {
  const int64_t lanes = lanes_of(accumulator, vectors);
  return vectors.is_narrow() || columns <= lanes ? lanes : 2 * lanes;
}

int best_group(const Contraction& k, LoopContext& c, const machine::VectorUnit& vectors) {
  const int64_t depth = expected_extent(k.depth);
  if (k.is_float) return k.is_flushed && vectors.has_half_dots && depth >= 2 && in_groups(k, 2, c) ? 2 : 1;
  if (vectors.has_byte_dots && depth >= 8 && in_groups(k, 4, c)) return 4;
  return vectors.has_word_dots && depth >= 4 && in_groups(k, 2, c) ? 2 : 1;
}

ContractionSchedule choose_product(Contraction k, LoopContext& c, const ir::Facts& facts,
                                   const machine::VectorUnit& vectors, Variation& variation) {
  ContractionSchedule made;
  const int64_t lanes = lanes_of(k.accumulator->type.dtype, vectors);
  made.is_exchanged = should_transpose(k, c, facts, static_cast<int>(lanes)) || rows_lie_in_panels(k, c, facts, lanes);
  if (made.is_exchanged) k.transpose();
  made.group = variation.is_best() ? best_group(k, c, vectors) : any_group(k, c, variation);
  if (made.group > 1) k = *in_groups(k, made.group, c);
  const auto panels = ready_panels(k, c, facts);
  const int64_t unit = panels ? panels->vectors(lanes) : 0;
  const Tiling best = best_tiling(k, vectors, unit);
  made.tiling = variation.is_best() ? best : other_tiling(best, k, vectors, variation);
  if (k.behind)
    if (const auto whole = whole_rows(k, c, facts)) make_rows_whole(made.tiling, k, *whole);
  const auto distance = made.group > 1 ? std::nullopt : distance_of_ready_rows(k, c, facts);
  if (distance && variation.flip(in_place_rows_pay(k, *distance, made.tiling))) made.rows = RowStorage::InPlace;
  const Tiling& t = made.tiling;
  const bool fits = unit > 0 && panels->width % t.lanes == 0 && t.tile_columns() % panels->width == 0;
  if (fits && variation.flip(true))
    made.columns = variation.flip(decoding_in_place_pays(k, t)) ? ColumnStorage::InPlace : ColumnStorage::Unpacked;
  return made;
}

}  // namespace strata::compiler
