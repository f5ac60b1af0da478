#include "strata/compiler/loop/windowed_contraction.h"

#include "strata/compiler/loop/windowed_columns.h"
#include "strata/compiler/loop/windowed_rows.h"

namespace strata::compiler {

using namespace ir::loops;

std::optional<Schedule> choose_windows(const Contraction& contraction, LoopContext& c, const ir::Facts& facts,
                                       runtime::IsaLevel level, Variation& variation) {
  Contraction exchanged = contraction;
  exchanged.transpose();
  for (const Contraction* k : {&contraction, static_cast<const Contraction*>(&exchanged)})
    if (const auto windows = windows_along(Side::Columns, *k, c, facts))
      if (const auto tiling = tile_column_windows(*k, *windows, level, variation))
        return ColumnWindowSchedule{.is_exchanged = k == &exchanged, .tiling = *tiling};
  for (const Contraction* k : {&contraction, static_cast<const Contraction*>(&exchanged)})
    if (const auto windows = windows_along(Side::Rows, *k, c, facts))
      if (const auto tiling = tile_row_windows(*k, *windows, level, variation))
        return RowWindowSchedule{.is_exchanged = k == &exchanged, .tiling = *tiling};
  return std::nullopt;
}

std::vector<StmtPtr> write_column_windows(Contraction k, const ColumnWindowSchedule& schedule, LoopContext& c,
                                          const ir::Facts& facts) {
  if (schedule.is_exchanged) k.transpose();
  const Windows windows = require_windows(Side::Columns, k, c, facts);
  return schedule_column_windows(k, windows, schedule.tiling, c, facts);
}

std::vector<StmtPtr> write_row_windows(Contraction k, const RowWindowSchedule& schedule, LoopContext& c,
                                       const ir::Facts& facts) {
  if (schedule.is_exchanged) k.transpose();
  const Windows windows = require_windows(Side::Rows, k, c, facts);
  return schedule_row_windows(k, windows, schedule.tiling, c, facts);
}

}  // namespace strata::compiler
