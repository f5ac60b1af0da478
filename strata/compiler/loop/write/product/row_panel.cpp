#include "strata/compiler/loop/write/product/row_panel.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/nest/operands.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/peel.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

namespace {

bool rows_run_along_depth(const ProductScope& s) {
  const Contraction& k = s.contraction;
  // Rows that are no one loop are taken apart for each element; long runs of the depth are copied by vectors, whatever
  // their stride (the 147 rows of a 7 x 7 window's gradient, by 2: 18 to 4 ms, Zen 5).
  constexpr int64_t kLongRun = 8;
  const auto has_long_runs = [&] {
    const ir::Dim run = k.depth.loops.empty() ? ir::Dim(0) : k.depth.loops.back().extent;
    return !run.is_constant() || run.constant() >= kLongRun;
  };
  if (!s.rows.is_linear() && (k.group > 1 || has_long_runs())) return true;
  return contiguity(s.context, s.facts, k.rows_operand, k.depth, k.rows) >=
         contiguity(s.context, s.facts, k.rows_operand, k.rows, k.depth);
}

}  // namespace

RowPanel::RowPanel(const ProductScope& scope, RowStorage storage)
    : scope_(scope),
      c_(scope.context),
      is_along_depth_(rows_run_along_depth(scope)),
      is_in_place_(storage == RowStorage::InPlace) {
  const int64_t deep = round_up(scope_.tiling.panel_depth, 16) + scope_.contraction.group * scope_.tiling.slack();
  const ir::DType type = scope_.contraction.rows_operand->type.dtype;
  const int64_t tiles =
      is_in_place_ ? 1 : (scope_.tiling.row_block + scope_.tiling.tile_rows - 1) / scope_.tiling.tile_rows;
  panel_ = is_along_depth_ ? scope_.scratch("rows", type, {tiles, scope_.tiling.tile_rows, deep})
                           : scope_.scratch("rows", type,
                                            {tiles, ceil_div(scope_.tiling.panel_depth, scope_.contraction.group),
                                             scope_.tiling.tile_rows * scope_.contraction.group});
}

std::string RowPanel::note() const {
  if (is_in_place_) return "rows read in place, a cut tile packed as [row][k]";
  if (is_along_depth_) return "pack rows as [tile][row][k]";
  const int group = scope_.contraction.group;
  return group == 1 ? "pack rows as [tile][k][row]"
                    : fmt::format("pack rows as [tile][k / {}][row][k mod {}]", group, group);
}

Expr RowPanel::at(Expr it, int64_t i, Expr k) const {
  const int group = scope_.contraction.group;
  if (group > 1 && !is_along_depth_) return c_.load(panel_, {it, k, c_.ramp(c_.i64(i * group), 1, group)});
  if (group > 1) return c_.load(panel_, {it, c_.i64(i), c_.ramp(scope_.mul(k, group), 1, group)});
  return is_along_depth_ ? c_.load(panel_, {it, c_.i64(i), k}) : c_.load(panel_, {it, k, c_.i64(i)});
}

Expr RowPanel::in_place(Expr row, Expr k) const {
  Substitution with = scope_.outer;
  scope_.rows.at(row, with);
  scope_.rows_depth.at(k, with);
  return scope_.element(scope_.contraction.rows_operand, with);
}

Stmts RowPanel::pack(TaskRange rows, TaskRange depth) const {
  if (is_in_place_) {
    Stmts body;
    const Expr count = scope_.sub(rows.high, rows.low);
    const Expr rest = scope_.bind("rest", c_.binary(ExprOp::FloorMod, count, c_.i64(scope_.tiling.tile_rows)), body);
    const Expr first = scope_.bind("i_first", scope_.sub(rows.high, rest), body);
    body.push_back(make_if(c_.binary(ExprOp::Lt, c_.i64(0), rest), pack_chains(c_.i64(0), first, rows, depth)));
    return body;
  }
  const LoopVar* tile = c_.loop_var("it");
  Stmts body;
  const Expr first =
      scope_.bind("i_first", scope_.add(rows.low, scope_.mul(c_.loop(tile), scope_.tiling.tile_rows)), body);
  append(body, is_along_depth_                ? pack_chains(c_.loop(tile), first, rows, depth)
               : scope_.contraction.group > 1 ? pack_groups(c_.loop(tile), first, rows, depth)
                                              : pack_tile(c_.loop(tile), first, rows, depth));
  return {make_for(tile, c_.i64(0), scope_.ceil_div(scope_.sub(rows.high, rows.low), scope_.tiling.tile_rows),
                   LoopKind::Serial, std::move(body))};
}

/// A vector too far at the end of a run is overwritten by the next run, or lies in the slack of the panel's row.
Stmts RowPanel::pack_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) const {
  const LoopVar* i = c_.loop_var("i");
  Stmts body;
  Substitution with = scope_.outer;
  const Expr row =
      scope_.bind("row", scope_.min(scope_.add(first, c_.loop(i)), scope_.sub(rows.high, c_.i64(1))), body);
  append(body, scope_.rows.at(row, with));
  append(body,
         scope_.rows_depth.runs(
             depth.low, depth.high, [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
               const Expr value = scope_.element(scope_.contraction.rows_operand, joined(with, at));
               return spilling_loop(c_, scope_.facts, u, low, high, scope_.tiling.lanes * scope_.contraction.group,
                                    scope_.widths,
                                    {make_store(panel_, {tile, c_.loop(i), scope_.sub(flat, depth.low)}, value)});
             }));
  append(body, fill_last_group(tile, c_.loop(i), depth));
  const auto place = [&](Expr element) { return std::vector<Expr>{tile, c_.loop(i), element}; };
  append(body, scope_.put_groups_in_order(panel_, place, scope_.sub(depth.high, depth.low)));
  return {make_for(i, c_.i64(0), c_.i64(scope_.tiling.tile_rows), LoopKind::Serial, std::move(body))};
}

/// With zeros, whose products with what stands in the columns add nothing.
Stmts RowPanel::fill_last_group(Expr tile, Expr i, TaskRange depth) const {
  const int group = scope_.contraction.group;
  if (group == 1) return {};
  const LoopVar* k = c_.loop_var("k");
  const Expr count = scope_.sub(depth.high, depth.low);
  const Expr zero = c_.constant(panel_->dtype, 0);
  return {make_for(k, count, scope_.mul(scope_.ceil_div(count, group), group), LoopKind::Serial,
                   {make_store(panel_, {tile, i, c_.loop(k)}, zero)})};
}

/// Of rows that run across the depth: a vector of each of a group's k, interleaved, in_order_of_steps(). Beyond the
/// last k stand zeros, as in fill_last_group().
Stmts RowPanel::pack_groups(Expr tile, Expr first, TaskRange rows, TaskRange depth) const {
  const int group = scope_.contraction.group;
  const auto line = [&](Expr number, bool is_whole_tile, bool is_whole_group) {
    const LoopVar* i = c_.loop_var("i");
    Stmts at_depth, copy;
    Expr row = scope_.add(first, c_.loop(i));
    if (!is_whole_tile) row = scope_.bind("row", scope_.min(row, scope_.sub(rows.high, c_.i64(1))), copy);
    Substitution of_row = scope_.outer;
    append(copy, scope_.rows.at(row, of_row));
    std::vector<Expr> elements;
    for (int64_t g = 0; g < group; ++g) {
      const Expr wanted = scope_.add(depth.low, scope_.add(scope_.mul(number, group), c_.i64(g)));
      const Expr there = is_whole_group ? wanted : scope_.min(wanted, scope_.sub(depth.high, c_.i64(1)));
      Substitution with = of_row;
      append(at_depth, scope_.rows_depth.at(scope_.bind("k", there, at_depth), with));
      Expr element = scope_.element(scope_.contraction.rows_operand, with);
      if (!is_whole_group)
        element = c_.select(c_.binary(ExprOp::Lt, wanted, depth.high), element, c_.constant(element->type.dtype, 0));
      elements.push_back(element);
    }
    if (scope_.contraction.exchanges_pairs()) std::ranges::reverse(elements);
    copy.push_back(
        make_store(panel_, {tile, number, c_.ramp(scope_.mul(c_.loop(i), group), 1, group)}, beside(c_, elements)));
    std::vector<int> widths = scope_.widths;
    widths.insert(widths.end() - 1, 2);
    const int one[] = {1};
    append(at_depth, is_whole_tile ? unrolled_loop(c_, i, scope_.tiling.tile_rows, widths, copy)
                                   : innermost_loop(c_, i, c_.i64(0), c_.i64(scope_.tiling.tile_rows), one, copy));
    return at_depth;
  };
  const auto lines = [&](bool is_whole_tile) {
    const LoopVar* number = c_.loop_var("kg");
    const Expr length = scope_.sub(depth.high, depth.low), whole = c_.binary(ExprOp::FloorDiv, length, c_.i64(group));
    return Stmts{make_for(number, c_.i64(0), whole, LoopKind::Serial, line(c_.loop(number), is_whole_tile, true)),
                 make_if(c_.binary(ExprOp::Lt, scope_.mul(whole, group), length), line(whole, is_whole_tile, false))};
  };
  const Expr is_whole = c_.binary(ExprOp::Le, scope_.add(first, c_.i64(scope_.tiling.tile_rows)), rows.high);
  return {make_if(is_whole, lines(true), lines(false))};
}

Stmts RowPanel::pack_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) const {
  const auto lines = [&](bool is_whole) {
    const LoopVar *k = c_.loop_var("k"), *i = c_.loop_var("i");
    Substitution with = scope_.outer;
    Stmts body = scope_.rows_depth.at(c_.loop(k), with);
    Stmts copy;
    Expr row = scope_.add(first, c_.loop(i));
    if (!is_whole || !scope_.rows.is_linear())
      row = scope_.bind("row", is_whole ? row : scope_.min(row, scope_.sub(rows.high, c_.i64(1))), copy);
    append(copy, scope_.rows.at(row, with));
    copy.push_back(make_store(panel_, {tile, scope_.sub(c_.loop(k), depth.low), c_.loop(i)},
                              scope_.element(scope_.contraction.rows_operand, with)));
    std::vector<int> widths = scope_.widths;
    widths.insert(widths.end() - 1, 2);
    const int one[] = {1};
    append(body, is_whole && scope_.rows.is_linear()
                     ? unrolled_loop(c_, i, scope_.tiling.tile_rows, widths, copy)
                     : innermost_loop(c_, i, c_.i64(0), c_.i64(scope_.tiling.tile_rows), one, copy));
    return Stmts{make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
  };
  const Expr is_whole = c_.binary(ExprOp::Le, scope_.add(first, c_.i64(scope_.tiling.tile_rows)), rows.high);
  return {make_if(is_whole, lines(true), lines(false))};
}

}  // namespace strata::compiler
