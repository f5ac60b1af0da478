#include "strata/compiler/loop/choose/blocks.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/block_integers.h"
#include "strata/compiler/loop/nest/panels.h"

namespace strata::compiler {

using ir::DType;
using ir::loops::LoopContext;

namespace {

/// The widest form that the target has an instruction for.
std::optional<BlockSums> best_sums(const BlockProduct& product, LoopContext& c, const machine::VectorUnit& vectors) {
  const auto fits = [&](BlockSums sums) { return block_sums_refusal(product, sums, c).empty(); };
  if (vectors.has_byte_dots && fits(BlockSums::Bytes)) return BlockSums::Bytes;
  if (!vectors.is_narrow() && vectors.has_word_dots && fits(BlockSums::Pairs)) return BlockSums::Pairs;
  return fits(BlockSums::Words) ? std::optional(BlockSums::Words) : std::nullopt;
}

std::optional<BlockSums> any_sums(const BlockProduct& product, LoopContext& c, Variation& variation) {
  const BlockSums all[] = {BlockSums::Bytes, BlockSums::Pairs, BlockSums::Words};
  const BlockSums sums = all[variation.pick(0, 0, 2)];
  if (block_sums_refusal(product, sums, c).empty()) return sums;
  return block_sums_refusal(product, BlockSums::Words, c).empty() ? std::optional(BlockSums::Words) : std::nullopt;
}

}  // namespace

std::optional<BlockSchedule> choose_blocks(const BlockProduct& product, LoopContext& c, const ir::Facts& facts,
                                           const machine::VectorUnit& vectors, Variation& variation) {
  const auto panels = block_panels(product, c, facts);
  const auto sums = variation.is_best() ? best_sums(product, c, vectors) : any_sums(product, c, variation);
  if (!panels || !sums || !product.scales.depth.extent().is_constant()) return std::nullopt;
  BlockSchedule made{*sums, {}};
  Tiling& t = made.tiling;
  // Sums of pairs fill a vector of i16; the sums of f32 beside them are two vectors, touched once a block.
  t.lanes = lanes_of(*sums == BlockSums::Pairs ? DType::i16 : DType::f32, vectors);
  while (t.lanes > 1 && panels->width % t.lanes != 0) t.lanes /= 2;
  const int64_t unit = panels->width / t.lanes;  // vectors of a panel
  const int64_t rows = expected_extent(product.scales.rows), columns = expected_extent(product.scales.columns);
  // Sums of the block, and a few registers to decode in. Tall tiles of one panel where there are registers: they decode
  // once for 8 rows (q8_0 by q4_0, 4096 x 4096, Zen 5: 8 rows 0.50 to 0.41 ms, 5 rows 0.48 to 0.28), and of few rows
  // a wide tile reads from several places at once (1 row 0.25 to 0.14, 2 rows 0.21 to 0.18).
  const bool is_tall = vectors.registers >= 32 && *sums == BlockSums::Bytes;
  constexpr int64_t kTall = 8;
  const int64_t most_sums = vectors.registers >= 32 ? 12 : *sums == BlockSums::Pairs ? 4 : 8;
  const int64_t best_rows =
      is_tall ? ceil_div(rows, ceil_div(rows, kTall)) : std::max<int64_t>(1, std::min<int64_t>(4, most_sums / unit));
  t.tile_rows = variation.pick(std::min(rows, best_rows), 1, std::min<int64_t>(rows, kTall));
  const int64_t most_vectors = is_tall ? unit : std::max<int64_t>(unit, most_sums / t.tile_rows / unit * unit);
  t.tile_vectors = variation.is_best() ? std::min<int64_t>(most_vectors, round_up(ceil_div(columns, t.lanes), unit))
                                       : unit * variation.pick(1, 1, 4);
  constexpr int64_t kTaskRows = 64, kTaskColumns = 512;
  t.task_rows = round_up(std::min(rows, variation.pick(kTaskRows, 1, 24)), t.tile_rows);
  t.task_columns = round_up(std::min(columns, variation.pick(kTaskColumns, 1, 128)), t.tile_columns());
  // Two tasks for two threads, four if each still has much to do.
  const auto tasks = [&] { return ceil_div(rows, t.task_rows) * ceil_div(columns, t.task_columns); };
  while (tasks() < 4 && t.task_columns > std::max<int64_t>(128, t.tile_columns()))
    t.task_columns = round_up(t.task_columns / 2, t.tile_columns());
  t.row_block = t.task_rows;
  t.panel_depth = product.scales.depth.extent().constant() * product.terms;
  return made;
}

}  // namespace strata::compiler
