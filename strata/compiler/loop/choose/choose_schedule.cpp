#include "strata/compiler/loop/choose/choose_schedule.h"

#include "strata/compiler/loop/choose/batch_lanes.h"
#include "strata/compiler/loop/choose/blocks.h"
#include "strata/compiler/loop/choose/elements.h"
#include "strata/compiler/loop/choose/planes.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/choose/sizes.h"
#include "strata/compiler/loop/choose/strips.h"

namespace strata::compiler {

using ir::loops::LoopContext;

namespace {

/// One row by a short depth, as a channel filtered by itself: packing would copy each element as often as it is used.
bool is_short_sum(const Contraction& k) {
  constexpr int64_t kShort = 32;
  return k.rows.extent() == ir::Dim(1) && k.depth.extent().is_constant() && k.depth.extent().constant() <= kShort;
}

}  // namespace

std::optional<Schedule> choose_schedule(const Nest& nest, LoopContext& c, const ir::Facts& facts,
                                        const machine::VectorUnit& vectors, Variation variation) {
  const auto contraction = read_contraction(nest, facts);
  if (!contraction) {
    if (const auto blocks = read_block_product(nest, facts))
      if (const auto made = choose_blocks(*blocks, c, facts, vectors, variation)) return made;
    if (const auto products = matrix_products(nest); !products.empty())
      return choose_matrix_tiles(products, vectors, variation);
    if (const auto strip = read_strip(nest)) return choose_strips(*strip, nest, vectors, variation);
    return choose_elements(nest, c, facts, vectors, variation);
  }
  if (contraction->behind) return choose_product(*contraction, c, facts, vectors, variation);
  // A group's dot product does the work of 2 or 4 steps, but both operands are packed for it: many products share that.
  constexpr int64_t kEnough = 8;
  const bool has_groups = best_group(*contraction, c, vectors) > 1;
  const bool is_in_groups =
      has_groups && expected_extent(contraction->rows) >= kEnough && expected_extent(contraction->columns) >= kEnough;
  // One by one, FMAs without denormals take some fifteen instructions each.
  const bool wants_pairs = has_groups && contraction->is_flushed;
  if (const auto lanes = choose_batch_lanes(*contraction, c, facts, vectors, variation))
    if (variation.flip(!wants_pairs)) return *lanes;
  if (variation.flip(!is_in_groups))
    if (auto windowed = choose_planes(*contraction, c, facts, vectors, variation)) return windowed;
  if (variation.flip(is_short_sum(*contraction))) return choose_elements(nest, c, facts, vectors, variation);
  return choose_product(*contraction, c, facts, vectors, variation);
}

}  // namespace strata::compiler
