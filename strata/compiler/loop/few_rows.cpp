#include "strata/compiler/loop/few_rows.h"

#include <variant>

#include "strata/compiler/loop/choose/blocks.h"
#include "strata/compiler/loop/choose/choose_schedule.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/chosen_product.h"
#include "strata/compiler/loop/nest/panels.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// Rows for which a product has a kernel of its own: one, and what a tile of the general one would be half empty with.
constexpr int64_t kFewRows[] = {1, 4};

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
  if (made->are_images_apart) k.take_images_apart();
  if (made->is_exchanged) k.transpose();
  if (!ready_panels(k, *flat.context, flat.facts)) made->columns = ColumnStorage::Packed;
}

/// One image's columns are packed as a matrix's where nothing says that there might be those of another.
void take_image_apart(Schedule& schedule, const Contraction& k) {
  auto* made = std::get_if<ContractionSchedule>(&schedule);
  if (made && k.has_images() && !k.columns.loops.front().extent.is_constant()) made->are_images_apart = true;
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

std::vector<FewRows> schedules_for_few_rows(ChosenBlocks blocks, const machine::VectorUnit& vectors) {
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
  if (auto blocks = chosen_blocks(naive)) return schedules_for_few_rows(std::move(*blocks), vectors);
  auto product = chosen_product(naive, vectors);
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
  const auto text = [&](const Nest& nest, bool is_one) {
    auto chosen = choose_schedule(nest, *flat->flat.context, flat->flat.facts, vectors, Variation());
    if (!chosen) return std::string();
    if (is_one) take_image_apart(*chosen, *contraction);
    pack_columns_without_panels(*chosen, *contraction, flat->flat);
    return text_of(*chosen, flat->nest);
  };
  std::string of_one = text(one->first, true);
  if (of_one.empty() || of_one == text(flat->nest, false)) return std::nullopt;
  return FewRows{one->second, 1, std::move(of_one)};
}

}  // namespace strata::compiler
