#include "strata/compiler/loop/choose/strips.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"

namespace strata::compiler {

namespace {

/// Lanes. A strip reads the rows of all its products once: a wider one reads less, and keeps more. 32 to 128 take the
/// same time (attention, AVX2).
constexpr int64_t kWidest = 64;
/// Scratch of a strip, in the second cache.
constexpr int64_t kMostScratch = 256 * 1024;

/// Of a tile that hides steps. Masks take registers, and each row one more beside them: such a tile is one vector wide,
/// and where the others are wider it makes up for it in height, eight chains to hide the latency of an FMA (4 cycles,
/// of which each starts two).
int64_t choose_masked_rows(int64_t tile_rows, int64_t tile_vectors, Variation& variation) {
  constexpr int64_t kChains = 8;
  return variation.pick(tile_vectors > 1 ? std::max(tile_rows, kChains) : tile_rows, 1, 12);
}

}  // namespace

StripSchedule choose_strips(const Strip& strip, const Nest& nest, const machine::VectorUnit& vectors,
                            Variation& variation) {
  StripSchedule made;
  int64_t highest = 1;
  int lanes = vectors.lanes(4);
  for (const LaneProduct& p : strip.products) {
    lanes = std::min(lanes, lanes_of(p.chain.accumulator->type.dtype, vectors));
    highest = std::max(highest, p.extent);
  }
  if (!strip.lane) {
    made.tile_rows = variation.pick(std::min<int64_t>(highest, 8), 1, 12);
    if (strip.has_masks()) made.masked_rows = choose_masked_rows(made.tile_rows, made.tile_vectors, variation);
    return made;
  }
  if (lanes >= 8 && variation.flip(false)) lanes /= 2;
  made.lanes = lanes;
  const int64_t extent = expected_extent(strip.lane->extent);
  made.tile_vectors = variation.pick(extent <= lanes ? 1 : 2, 1, 3);
  const int64_t unit = made.tile_vectors * lanes;
  int64_t widest = std::max<int64_t>(unit, kWidest);
  while (widest > unit && widest * strip.kept_bytes > kMostScratch) widest /= 2;
  int64_t tasks = 1;
  for (const NestLoop& loop : nest.loops)
    if (loop.var != strip.lane->var) tasks = std::min(tasks * expected_extent(loop.extent), kUnknownExtent);
  made.strip = round_up(std::min(extent, widest), unit);
  while (made.strip >= 2 * unit && tasks * ceil_div(extent, made.strip) < 4)
    made.strip = round_up(made.strip / 2, unit);
  made.strip = unit * variation.pick(made.strip / unit, 1, 6);
  const int64_t rows = vectors.registers >= 32 ? 8 : made.tile_vectors == 1 ? 12 : 6;
  made.tile_rows = variation.pick(std::min(highest, rows), 1, std::min<int64_t>(highest, 12));
  while (made.tile_rows > 1 && !fits_registers(made.tile_rows, made.tile_vectors, vectors)) --made.tile_rows;
  if (strip.has_masks()) made.masked_rows = choose_masked_rows(made.tile_rows, made.tile_vectors, variation);
  return made;
}

MatrixSchedule choose_matrix_tiles(std::span<const MatrixProduct> products, const machine::VectorUnit& vectors,
                                   Variation& variation) {
  MatrixSchedule made;
  made.lanes = vectors.lanes(4);
  for (const MatrixProduct& p : products)
    made.lanes = std::min(made.lanes, lanes_of(p.chain.accumulator->type.dtype, vectors));
  if (made.lanes >= 8 && variation.flip(false)) made.lanes /= 2;
  made.tile_vectors = variation.pick(made.lanes == 1 ? 1 : 2, 1, 3);
  made.tile_rows = variation.pick(vectors.registers >= 32 ? 8 : 6, 1, 12);
  while (made.tile_rows > 1 && !fits_registers(made.tile_rows, made.tile_vectors, vectors)) --made.tile_rows;
  if (has_masks(products)) made.masked_rows = choose_masked_rows(made.tile_rows, made.tile_vectors, variation);
  return made;
}

}  // namespace strata::compiler
