#include "strata/compiler/loop/nest/rows_behind.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "strata/compiler/loop/rewrites.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

Dim step_in_result(const Contraction& k, const NestLoop& loop, LoopContext& c, const ir::Facts& facts) {
  LinearIndices indices(c, facts);
  for (const LoopGroup* group : {&k.batch, &k.rows, &k.columns})
    for (const NestLoop& each : group->loops) indices.enter_loop(each.var, c.i64(0), c.dim(each.extent));
  return indices.of(k.epilogue[0]->indices[0]).coefficient(c.loop(loop.var));
}

std::optional<WholeRows> whole_rows(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  WholeRows whole;
  const Dim length = k.behind->length;
  Dim elements = 1;
  const auto is_within_row = [&](const NestLoop& loop) {
    return !exact_quotient(step_in_result(k, loop, c, facts), length).has_value();
  };
  if (std::ranges::any_of(k.batch.loops, is_within_row)) return std::nullopt;
  for (const LoopGroup* group : {&k.rows, &k.columns}) {
    Dim here = 1;
    bool is_innermost = true;
    for (size_t i = group->loops.size(); i-- > 0;) {
      const bool is_within = is_within_row(group->loops[i]);
      if (is_within && !is_innermost) return std::nullopt;
      is_innermost = is_within;
      if (is_within) here = here * group->loops[i].extent;
    }
    elements = elements * here;
    if (!here.is_constant()) return std::nullopt;
    (group == &k.rows ? whole.rows : whole.columns) = here.constant();
  }
  const bool is_one_group = whole.rows == 1 || whole.columns == 1;
  return elements == length && is_one_group ? std::optional(whole) : std::nullopt;
}

namespace {

bool ends_between_rows(const LoopGroup& group, int64_t piece, int64_t whole) {
  const Dim extent = group.extent();
  return piece % whole == 0 || (extent.is_constant() && piece >= extent.constant());
}

/// The largest multiple of `whole` and `tile` of at most `piece`, or the smallest; all of the group where that is one.
int64_t whole_piece(const LoopGroup& group, int64_t piece, int64_t whole, int64_t tile) {
  const Dim extent = group.extent();
  if (extent.is_constant() && extent.constant() <= std::max(piece, whole)) return round_up(extent.constant(), tile);
  const int64_t unit = std::lcm(whole, tile);
  return std::max(unit, piece / unit * unit);
}

}  // namespace

void make_rows_whole(Tiling& t, const Contraction& k, WholeRows whole) {
  if (whole.columns > 1) t.task_columns = whole_piece(k.columns, t.task_columns, whole.columns, t.tile_columns());
  if (whole.rows == 1) return;
  t.task_rows = whole_piece(k.rows, t.task_rows, whole.rows, t.tile_rows);
  t.row_block = std::min(t.row_block, t.task_rows);
}

void require_whole_rows(const Tiling& t, const Contraction& k, const std::optional<WholeRows>& whole) {
  if (!whole) refuse_schedule("the rows that are reduced behind this product are not its innermost loops");
  if (!ends_between_rows(k.rows, t.task_rows, whole->rows) ||
      !ends_between_rows(k.columns, t.task_columns, whole->columns))
    refuse_schedule(fmt::format("a task of {} rows by {} columns ends within a row of {}, which is reduced behind it",
                                t.task_rows, t.task_columns, std::max(whole->rows, whole->columns)));
}

}  // namespace strata::compiler
