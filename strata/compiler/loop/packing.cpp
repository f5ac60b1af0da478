#include "strata/compiler/loop/packing.h"

#include <algorithm>

#include "strata/compiler/loop/choose/blocks.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/chosen_product.h"
#include "strata/compiler/loop/nest/panels.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

bool is_read_elsewhere(const Contraction& k, const Buffer* buffer) {
  const auto reads = [&](Expr e) {
    const std::vector<Expr> loads = collect_loads(e);
    return std::ranges::any_of(loads, [&](Expr load) { return load->buffer == buffer; });
  };
  return reads(k.rows_operand) ||
         std::ranges::any_of(k.epilogue, [&](const StmtPtr& store) { return reads(store->value); });
}

ColumnsToPack panels_of(const ColumnMatrix& matrix, const Kernel& flat, int64_t width) {
  const auto parameter = static_cast<int>(std::ranges::find(flat.params, matrix.buffer) - flat.params.begin());
  return {parameter, matrix.columns, matrix.line, width, matrix.group, matrix.is_along_depth};
}

void add_columns(const Contraction& k, const Kernel& flat, const machine::VectorUnit& vectors,
                 std::vector<ColumnsToPack>& to) {
  const auto matrix = column_matrix(k, *flat.context, flat.facts);
  if (!matrix || is_read_elsewhere(k, matrix->buffer)) return;
  const int64_t width = panel_width(k.accumulator->type.dtype, vectors, matrix->columns);
  if (matrix->columns > width) to.push_back(panels_of(*matrix, flat, width));
}

bool has_few_columns(const Contraction& k) {
  constexpr int64_t kFewColumns = 64;
  return k.columns.extent().is_constant() && k.columns.extent().constant() <= kFewColumns;
}

}  // namespace

std::vector<ColumnsToPack> columns_to_pack(const Kernel& naive, const machine::VectorUnit& vectors) {
  if (const auto blocks = chosen_blocks(naive)) {
    const BlockProduct& product = blocks->product;
    LoopContext& c = *blocks->of.flat.context;
    if (block_panels(product, c, blocks->of.flat.facts)) return {};
    const auto matrix = block_matrix(product, c, blocks->of.flat.facts);
    const int64_t width = matrix ? panel_width(ir::DType::f32, vectors, matrix->columns) : 0;
    if (!matrix || matrix->columns <= width || is_read_elsewhere(product.scales, matrix->buffer)) return {};
    return {panels_of(*matrix, blocks->of.flat, width)};
  }
  const auto product = chosen_product(naive, vectors);
  if (!product || product->columns() != ColumnStorage::Packed) return {};
  std::vector<ColumnsToPack> made;
  add_columns(product->contraction, product->flat, vectors, made);
  // The filters of a convolution by 1 x 1 are its rows, and more than its positions where planes are small.
  const ContractionSchedule* panels = product->panels();
  if (!panels || panels->group > 1 || !has_few_columns(product->contraction)) return made;
  Contraction exchanged = product->contraction;
  exchanged.transpose();
  add_columns(exchanged, product->flat, vectors, made);
  return made;
}

bool reads_panels(const Kernel& naive, const machine::VectorUnit& vectors) {
  if (const auto blocks = chosen_blocks(naive)) {
    Variation best;
    return choose_blocks(blocks->product, *blocks->of.flat.context, blocks->of.flat.facts, vectors, best).has_value();
  }
  const auto product = chosen_product(naive, vectors);
  return product && product->columns() != ColumnStorage::Packed;
}

}  // namespace strata::compiler
