#include "strata/compiler/loop/packing.h"

#include <algorithm>
#include <variant>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/choose/blocks.h"
#include "strata/compiler/loop/choose/choose_schedule.h"
#include "strata/compiler/loop/choose/planes.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/nest/panels.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// Rows for which a product has a kernel of its own: one, and what a tile of the general one would be half empty with.
constexpr int64_t kFewRows[] = {1, 4};

struct ChosenProduct {
  Kernel flat;
  Nest nest;
  Contraction contraction;  ///< with rows and columns as the schedule has them
  std::variant<ContractionSchedule, RowWindowSchedule> schedule;

  /// Null where windows are rows.
  const ContractionSchedule* panels() const { return std::get_if<ContractionSchedule>(&schedule); }
  ColumnStorage columns() const {
    return std::visit([](const auto& s) { return s.columns; }, schedule);
  }
};

std::optional<ChosenProduct> chosen_product(const Kernel& naive, const machine::VectorUnit& vectors) {
  auto flat = flat_nest(naive);
  if (!flat) return std::nullopt;
  ChosenProduct made;
  made.flat = std::move(flat->flat);
  made.nest = std::move(flat->nest);
  LoopContext& c = *made.flat.context;
  auto contraction = read_contraction(made.nest, made.flat.facts);
  if (!contraction) return std::nullopt;
  Variation best;
  const auto planes = !contraction->behind && best_group(*contraction, c, vectors) == 1
                          ? choose_planes(*contraction, c, made.flat.facts, vectors, best)
                          : std::nullopt;
  made.contraction = std::move(*contraction);
  if (planes) {
    if (!std::holds_alternative<RowWindowSchedule>(*planes)) return std::nullopt;
    made.schedule = std::get<RowWindowSchedule>(*planes);
  } else {
    made.schedule = choose_product(made.contraction, c, made.flat.facts, vectors, best);
  }
  if (std::visit([](const auto& s) { return s.is_exchanged; }, made.schedule)) made.contraction.transpose();
  if (made.panels() && made.panels()->group > 1)
    made.contraction = *in_groups(made.contraction, made.panels()->group, c);
  return made;
}

/// A rewrite that fails leaves the kernel as written (schedule.h): then nothing is packed in it.
std::optional<ChosenProduct> product_of(const Kernel& naive, const machine::VectorUnit& vectors) {
  try {
    return chosen_product(naive, vectors);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::Internal) throw;
    return std::nullopt;
  }
}

/// A product of blocks, and where it stands.
struct Blocks {
  FlatNest of;
  BlockProduct product;
};
std::optional<Blocks> blocks_of(const Kernel& naive) {
  auto flat = flat_nest(naive);
  auto product = flat ? read_block_product(flat->nest, flat->flat.facts) : std::nullopt;
  if (!product) return std::nullopt;
  return Blocks{std::move(*flat), std::move(*product)};
}

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
  if (const auto blocks = blocks_of(naive)) {
    const BlockProduct& product = blocks->product;
    LoopContext& c = *blocks->of.flat.context;
    if (block_panels(product, c, blocks->of.flat.facts)) return {};
    const auto matrix = block_matrix(product, c, blocks->of.flat.facts);
    const int64_t width = matrix ? panel_width(ir::DType::f32, vectors, matrix->columns) : 0;
    if (!matrix || matrix->columns <= width || is_read_elsewhere(product.scales, matrix->buffer)) return {};
    return {panels_of(*matrix, blocks->of.flat, width)};
  }
  const auto product = product_of(naive, vectors);
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

namespace {

bool has_rows_of_any_number(const Contraction& k) { return !k.rows.extent().is_constant() && k.batch.is_empty(); }

/// The same product of at most so many rows.
Contraction with_rows(Contraction k, int64_t most) {
  k.rows.loops = {{k.rows.loops.back().var, Dim(most)}};
  return k;
}

std::string text_of(const Schedule& schedule, const Nest& nest) {
  std::string text;
  for (const Rewrite& rewrite : rewrites_of(schedule, nest)) text += rewrite.str() + "\n";
  return text;
}

/// Columns of one image may lie in a panel where those of many don't.
void pack_columns_without_panels(Schedule& schedule, Contraction k, const Kernel& flat) {
  auto* made = std::get_if<ContractionSchedule>(&schedule);
  if (!made || made->columns == ColumnStorage::Packed) return;
  if (made->is_exchanged) k.transpose();
  if (!ready_panels(k, *flat.context, flat.facts)) made->columns = ColumnStorage::Packed;
}

/// The nest where each extent that is a symbol is 1, and that symbol; empty where there is none, or several.
std::optional<std::pair<Nest, Dim>> nest_of_one(const Nest& nest) {
  std::optional<Dim> symbol;
  Nest one = nest;
  for (NestLoop& loop : one.loops) {
    if (loop.extent.is_constant()) continue;
    if (symbol && !(*symbol == loop.extent)) return std::nullopt;
    symbol = loop.extent;
    loop.extent = Dim(1);
  }
  if (!symbol) return std::nullopt;
  return std::pair(std::move(one), *symbol);
}

std::vector<FewRows> schedules_for_few_rows(Blocks blocks, const machine::VectorUnit& vectors) {
  std::vector<FewRows> made;
  const Contraction all = blocks.product.scales;
  if (!has_rows_of_any_number(all)) return made;
  for (const int64_t most : kFewRows) {
    blocks.product.scales = with_rows(all, most);
    Variation best;
    if (const auto schedule =
            choose_blocks(blocks.product, *blocks.of.flat.context, blocks.of.flat.facts, vectors, best))
      made.push_back({all.rows.extent(), most, text_of(*schedule, blocks.of.nest)});
  }
  return made;
}

}  // namespace

std::vector<FewRows> schedules_for_few_rows(const Kernel& naive, const machine::VectorUnit& vectors) {
  std::vector<FewRows> made;
  if (auto blocks = blocks_of(naive)) return schedules_for_few_rows(std::move(*blocks), vectors);
  auto product = product_of(naive, vectors);
  const ContractionSchedule* panels = product ? product->panels() : nullptr;
  if (!panels || panels->columns == ColumnStorage::Packed || panels->is_exchanged) return made;
  const Contraction& all = product->contraction;
  if (!has_rows_of_any_number(all)) return made;
  for (const int64_t most : kFewRows) {
    Variation best;
    const ContractionSchedule schedule =
        choose_product(with_rows(all, most), *product->flat.context, product->flat.facts, vectors, best);
    if (schedule.is_exchanged || schedule.columns != ColumnStorage::InPlace) continue;
    made.push_back({all.rows.extent(), most, text_of(schedule, product->nest)});
  }
  return made;
}

std::optional<FewRows> schedule_for_one_image(const Kernel& naive, const machine::VectorUnit& vectors) {
  const auto flat = flat_nest(naive);
  const auto contraction = flat ? read_contraction(flat->nest, flat->flat.facts) : std::nullopt;
  const auto one = contraction ? nest_of_one(flat->nest) : std::nullopt;
  if (!one || !contraction->depth.extent().is_constant()) return std::nullopt;
  const auto text = [&](const Nest& nest) {
    auto chosen = choose_schedule(nest, *flat->flat.context, flat->flat.facts, vectors, Variation());
    if (!chosen) return std::string();
    pack_columns_without_panels(*chosen, *contraction, flat->flat);
    return text_of(*chosen, flat->nest);
  };
  std::string of_one = text(one->first);
  if (of_one.empty() || of_one == text(flat->nest)) return std::nullopt;
  return FewRows{one->second, 1, std::move(of_one)};
}

bool reads_panels(const Kernel& naive, const machine::VectorUnit& vectors) {
  if (const auto blocks = blocks_of(naive)) {
    Variation best;
    return choose_blocks(blocks->product, *blocks->of.flat.context, blocks->of.flat.facts, vectors, best).has_value();
  }
  const auto product = product_of(naive, vectors);
  return product && product->columns() != ColumnStorage::Packed;
}

}  // namespace strata::compiler
