#include "strata/compiler/loop/windowed_contraction.h"

#include "strata/compiler/loop/windowed_columns.h"
#include "strata/compiler/loop/windowed_rows.h"

namespace strata::compiler {

using namespace ir::loops;

std::optional<std::vector<StmtPtr>> schedule_windows(const Contraction& contraction, LoopContext& c,
                                                     const ir::Facts& facts, runtime::IsaLevel level,
                                                     Variation& variation, std::vector<std::string>& notes) {
  Contraction transposed = contraction;
  transposed.transpose();
  const Contraction* const ways[] = {&contraction, &transposed};
  for (const Contraction* k : ways)
    if (const auto windows = read_windows(*k, k->columns, k->columns_operand, c, facts))
      if (const auto tiling = tile_column_windows(*k, *windows, level, variation))
        return schedule_column_windows(*k, *windows, *tiling, c, facts, notes);
  for (const Contraction* k : ways)
    if (const auto windows = read_windows(*k, k->rows, k->rows_operand, c, facts))
      if (const auto tiling = tile_row_windows(*k, *windows, level, variation))
        return schedule_row_windows(*k, *windows, *tiling, c, facts, notes);
  return std::nullopt;
}

}  // namespace strata::compiler
