#include "strata/compiler/loop/choose/strips.h"

#include <algorithm>

#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/matrix_program.h"

namespace strata::compiler {

namespace {

/// Lanes. A strip reads the rows of all its products once: a wider one reads less, and keeps more. 32 to 128 take the
/// same time (attention, AVX2).
constexpr int64_t kWidest = 64;
/// Scratch of a strip, in the second cache.
constexpr int64_t kMostScratch = 256 * 1024;

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
  if (!strip.lane)
    return {
        .lanes = 1, .strip = 1, .tile_rows = variation.pick(std::min<int64_t>(highest, 8), 1, 12), .tile_vectors = 1};
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
  return made;
}

StripSchedule choose_matrix_tiles(const Nest& nest, const machine::VectorUnit& vectors, Variation& variation) {
  StripSchedule made;
  made.lanes = vectors.lanes(4);
  ir::loops::for_each_stmt(nest.body, [&](const ir::loops::Stmt& s) {
    if (const auto product = read_matrix_product(s))
      made.lanes = std::min(made.lanes, lanes_of(product->chain.accumulator->type.dtype, vectors));
  });
  if (made.lanes >= 8 && variation.flip(false)) made.lanes /= 2;
  made.tile_vectors = variation.pick(made.lanes == 1 ? 1 : 2, 1, 3);
  made.tile_rows = variation.pick(vectors.registers >= 32 ? 8 : 6, 1, 12);
  while (made.tile_rows > 1 && !fits_registers(made.tile_rows, made.tile_vectors, vectors)) --made.tile_rows;
  made.strip = made.tile_vectors * made.lanes;
  return made;
}

}  // namespace strata::compiler
