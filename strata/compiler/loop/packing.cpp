#include "strata/compiler/loop/packing.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/choose/planes.h"
#include "strata/compiler/loop/choose/product.h"
#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/nest/panels.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// Rows for which a product has a kernel of its own: one, and what a tile of the general one would be half empty with.
constexpr int64_t kFewRows[] = {1, 4};

struct ChosenProduct {
  Kernel flat;
  Nest nest;
  Contraction contraction;  ///< with rows and columns as the schedule has them
  ContractionSchedule schedule;
};

std::optional<ChosenProduct> chosen_product(const Kernel& naive, const machine::VectorUnit& vectors) {
  bool branches = false;
  for_each_stmt(naive.body, [&](const Stmt& stmt) {
    branches = branches || stmt.kind == StmtKind::While || stmt.kind == StmtKind::If || stmt.kind == StmtKind::Check;
  });
  if (branches) return std::nullopt;
  ChosenProduct made;
  made.flat = flatten_buffers(naive);
  LoopContext& c = *made.flat.context;
  auto nest = read_nest(made.flat);
  if (!nest) return std::nullopt;
  simplify_nest(*nest, c, made.flat.facts);
  auto contraction = read_contraction(*nest, made.flat.facts);
  if (!contraction) return std::nullopt;
  Variation best;
  if (best_group(*contraction, c, vectors) == 1 && choose_planes(*contraction, c, made.flat.facts, vectors, best))
    return std::nullopt;
  made.schedule = choose_product(*contraction, c, made.flat.facts, vectors, best);
  made.contraction = std::move(*contraction);
  made.nest = std::move(*nest);
  if (made.schedule.is_exchanged) made.contraction.transpose();
  if (made.schedule.group > 1) made.contraction = *in_groups(made.contraction, made.schedule.group, c);
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

bool is_read_elsewhere(const Contraction& k, const Buffer* buffer) {
  const auto reads = [&](Expr e) {
    const std::vector<Expr> loads = collect_loads(e);
    return std::ranges::any_of(loads, [&](Expr load) { return load->buffer == buffer; });
  };
  return reads(k.rows_operand) ||
         std::ranges::any_of(k.epilogue, [&](const StmtPtr& store) { return reads(store->value); });
}

}  // namespace

std::optional<ColumnsToPack> columns_to_pack(const Kernel& naive, const machine::VectorUnit& vectors) {
  const auto product = product_of(naive, vectors);
  if (!product || product->schedule.columns != ColumnStorage::Packed) return std::nullopt;
  const Contraction& k = product->contraction;
  const auto matrix = column_matrix(k, *product->flat.context, product->flat.facts);
  if (!matrix || is_read_elsewhere(k, matrix->buffer)) return std::nullopt;
  const auto& params = product->flat.params;
  const auto parameter = static_cast<int>(std::ranges::find(params, matrix->buffer) - params.begin());
  const int64_t width = panel_width(k.accumulator->type.dtype, vectors, matrix->columns);
  if (matrix->columns <= width) return std::nullopt;
  return ColumnsToPack{parameter, matrix->columns, matrix->line, width, matrix->group, matrix->is_along_depth};
}

std::vector<FewRows> schedules_for_few_rows(const Kernel& naive, const machine::VectorUnit& vectors) {
  std::vector<FewRows> made;
  auto product = product_of(naive, vectors);
  if (!product || product->schedule.columns == ColumnStorage::Packed || product->schedule.is_exchanged) return made;
  const ir::Dim rows = product->contraction.rows.extent();
  if (rows.is_constant() || !product->contraction.batch.is_empty()) return made;
  for (const int64_t most : kFewRows) {
    Contraction few = product->contraction;
    few.rows.loops = {{few.rows.loops.back().var, ir::Dim(most)}};
    Variation best;
    const ContractionSchedule schedule =
        choose_product(few, *product->flat.context, product->flat.facts, vectors, best);
    if (schedule.is_exchanged || schedule.columns != ColumnStorage::InPlace) continue;
    std::string text;
    for (const Rewrite& rewrite : rewrites_of(schedule, product->nest)) text += rewrite.str() + "\n";
    made.push_back({rows, most, std::move(text)});
  }
  return made;
}

bool reads_panels(const Kernel& naive, const machine::VectorUnit& vectors) {
  const auto product = product_of(naive, vectors);
  return product && product->schedule.columns != ColumnStorage::Packed;
}

}  // namespace strata::compiler
