#include "strata/compiler/loop/write/product/column_panel.h"

#include <fmt/format.h>

#include "strata/compiler/loop/nest/operands.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/peel.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

namespace {

/// Whether the columns' innermost loop is so short that copying along it does not pay.
bool has_short_runs(const ProductScope& s) {
  const Dim run = s.contraction.columns.is_empty() ? Dim(1) : s.contraction.columns.loops.back().extent;
  return !s.columns.is_linear() && run.is_constant() && run.constant() < 6;
}

bool columns_run_along_depth(const ProductScope& s) {
  const Contraction& k = s.contraction;
  const int along_depth = contiguity(s.context, s.facts, k.columns_operand, k.depth, k.columns);
  const int along_columns = contiguity(s.context, s.facts, k.columns_operand, k.columns, k.depth);
  return along_depth > along_columns || (has_short_runs(s) && along_depth >= along_columns);
}

}  // namespace

ColumnPanel::ColumnPanel(const ProductScope& scope, ColumnStorage storage, Holds holds)
    : scope_(scope),
      c_(scope.context),
      is_along_depth_(columns_run_along_depth(scope)),
      is_in_lines_(storage == ColumnStorage::Packed && !is_along_depth_ && !scope.columns.is_linear() &&
                   scope.contraction.group == 1),
      holds_(holds) {
  const int group = scope_.contraction.group;
  const ir::DType type = scope_.contraction.columns_operand->type.dtype;
  const int64_t tiles = holds == Holds::OneTile ? 1 : scope_.tiling.task_columns / scope_.tiling.tile_columns();
  panel_ = scope_.scratch("columns", type,
                          {tiles, ceil_div(scope_.tiling.panel_depth, group), scope_.tiling.tile_columns() * group});
  if (is_in_lines_) line_ = scope_.scratch("line", type, {scope_.tiling.task_columns + scope_.tiling.slack()});
}

Stmts ColumnPanel::alloc() const {
  Stmts made{make_alloc(panel_)};
  if (line_) made.push_back(make_alloc(line_));
  return made;
}

std::string ColumnPanel::note() const {
  if (const int group = scope_.contraction.group; group > 1)
    return fmt::format("pack columns as [tile][k / {}][column][k mod {}]", group, group);
  return std::string("pack columns as [tile][k][column]") + (is_in_lines_      ? ", line by line"
                                                             : is_along_depth_ ? ", transposed"
                                                                               : "");
}

Expr ColumnPanel::at(Expr jt, int64_t v, Expr k) const {
  const int lanes = scope_.tiling.lanes * scope_.contraction.group;
  return c_.load(panel_, {place_of(jt), k, c_.ramp(c_.i64(v * lanes), 1, lanes)});
}

Stmts ColumnPanel::pack(TaskRange columns, TaskRange range, Expr at) const {
  const PanelDepth depth{range, at ? scope_.sub(range.low, at) : range.low};
  if (is_in_lines_) return pack_lines(columns, depth);
  if (!is_along_depth_ && scope_.contraction.group == 1) return pack_rows_of_tiles(columns, depth);
  const LoopVar* tile = c_.loop_var("jt");
  return {make_for(tile, c_.i64(0),
                   scope_.ceil_div(scope_.sub(columns.high, columns.low), scope_.tiling.tile_columns()),
                   LoopKind::Serial, pack_one(c_.loop(tile), columns, range, at))};
}

Stmts ColumnPanel::pack_one(Expr tile, TaskRange columns, TaskRange range, Expr at) const {
  const PanelDepth depth{range, at ? scope_.sub(range.low, at) : range.low};
  Stmts body;
  const Expr first =
      scope_.bind("j_first", scope_.add(columns.low, scope_.mul(tile, scope_.tiling.tile_columns())), body);
  if (scope_.contraction.group > 1)
    append(body, pack_groups(tile, first, columns, depth));
  else if (!(scope_.columns.is_linear() && scope_.columns_depth.is_linear()))
    append(body, pack_chains(tile, first, columns, depth));
  else
    append(body, pack_tile(tile, first, columns, depth));
  return body;
}

Stmts ColumnPanel::unpack(const ReadyColumns& from, TaskRange columns, TaskRange depth) const {
  const LoopVar* tile = c_.loop_var("jt");
  return {make_for(tile, c_.i64(0),
                   scope_.ceil_div(scope_.sub(columns.high, columns.low), scope_.tiling.tile_columns()),
                   LoopKind::Serial, unpack_one(from, c_.loop(tile), columns, depth, {}))};
}

Stmts ColumnPanel::unpack_one(const ReadyColumns& from, Expr tile, TaskRange columns, TaskRange depth,
                              ReadyColumns::RowTileOf rows) const {
  const int lanes = scope_.tiling.lanes * scope_.contraction.group;
  const auto store = [&](Expr k, const ReadyColumns::ColumnAt& column_at) {
    Stmts made;
    for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v)
      made.push_back(make_store(panel_, {place_of(tile), k, c_.ramp(c_.i64(v * lanes), 1, lanes)},
                                column_at(static_cast<size_t>(v))));
    return made;
  };
  const TaskRange all{c_.i64(0), scope_.sub(depth.high, depth.low)};
  return from.steps(tile, columns.low, depth.low, all, store, rows);
}

/// Along columns: whole tiles row by row of the operand, as it lies in memory; then the tile that is cut off.
Stmts ColumnPanel::pack_rows_of_tiles(TaskRange columns, const PanelDepth& depth) const {
  const Expr count = scope_.sub(columns.high, columns.low);
  Stmts stmts;
  const Expr whole =
      scope_.bind("whole", c_.binary(ExprOp::FloorDiv, count, c_.i64(scope_.tiling.tile_columns())), stmts);
  const LoopVar *k = c_.loop_var("k"), *tile = c_.loop_var("jt"), *j = c_.loop_var("j");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  Stmts copy = scope_.columns.at(
      scope_.add(scope_.add(columns.low, scope_.mul(c_.loop(tile), scope_.tiling.tile_columns())), c_.loop(j)), with);
  copy.push_back(make_store(panel_, {c_.loop(tile), scope_.sub(c_.loop(k), depth.origin), c_.loop(j)},
                            scope_.element(scope_.contraction.columns_operand, with)));
  body.push_back(make_for(tile, c_.i64(0), whole, LoopKind::Serial,
                          unrolled_loop(c_, j, scope_.tiling.tile_columns(), scope_.widths, copy)));
  stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body)));
  if (columns.multiple % scope_.tiling.tile_columns() == 0) return stmts;
  Stmts last;
  const Expr first =
      scope_.bind("j_first", scope_.add(columns.low, scope_.mul(whole, scope_.tiling.tile_columns())), last);
  append(last, pack_cut_tile(whole, first, columns, depth));
  stmts.push_back(
      make_if(c_.binary(ExprOp::Lt, scope_.mul(whole, scope_.tiling.tile_columns()), count), std::move(last)));
  return stmts;
}

Stmts ColumnPanel::pack_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const {
  if (columns.multiple % scope_.tiling.tile_columns() == 0) return pack_whole_tile(tile, first, depth);
  const Expr is_whole = c_.binary(ExprOp::Le, scope_.add(first, c_.i64(scope_.tiling.tile_columns())), columns.high);
  return {make_if(is_whole, pack_whole_tile(tile, first, depth), pack_cut_tile(tile, first, columns, depth))};
}

/// Across the rows of the operand, which run along the depth.
Stmts ColumnPanel::pack_whole_tile(Expr tile, Expr first, const PanelDepth& depth) const {
  const LoopVar *k = c_.loop_var("k"), *j = c_.loop_var("j");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  Stmts copy = scope_.columns.at(scope_.add(first, c_.loop(j)), with);
  copy.push_back(make_store(panel_, {tile, scope_.sub(c_.loop(k), depth.origin), c_.loop(j)},
                            scope_.element(scope_.contraction.columns_operand, with)));
  // 8 at a time, whose lines the first cache holds even when all fall into one set; what is the same along a column is
  // computed in front of it.
  const int narrow = std::min(8, scope_.tiling.lanes);
  const LoopVar* group = c_.loop_var("group");
  Stmts of_column = body;
  append(of_column, copy);
  auto [columns, along] = hoist_invariants(c_, k, of_column);
  columns.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(along)));
  if (const auto few = vector_body(c_, columns, j, c_.loop(group), narrow))
    return {make_for(group, c_.i64(0), c_.i64(scope_.tiling.tile_columns()), LoopKind::Serial, *few, narrow)};
  append(body, unrolled_loop(c_, j, scope_.tiling.tile_columns(), scope_.widths, copy));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

/// The last tile, with zeros beyond the last column.
Stmts ColumnPanel::pack_cut_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const {
  const LoopVar *zero = c_.loop_var("k"), *k = c_.loop_var("k"), *j = c_.loop_var("j");
  Stmts zeros;
  for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v)
    zeros.push_back(make_store(panel_,
                               {tile, scope_.sub(c_.loop(zero), depth.origin),
                                c_.ramp(c_.i64(v * scope_.tiling.lanes), 1, scope_.tiling.lanes)},
                               c_.broadcast(c_.constant(scope_.type, 0), scope_.tiling.lanes)));
  Stmts stmts{make_for(zero, depth.low, depth.high, LoopKind::Serial, std::move(zeros))};
  const Expr count = scope_.sub(columns.high, first);
  Substitution with = scope_.outer;
  Stmts of_column = scope_.columns.at(scope_.add(first, c_.loop(j)), with);
  Stmts of_depth = scope_.columns_depth.at(c_.loop(k), with);
  const StmtPtr store = make_store(panel_, {tile, scope_.sub(c_.loop(k), depth.origin), c_.loop(j)},
                                   scope_.element(scope_.contraction.columns_operand, with));
  if (is_along_depth_) {
    of_depth.push_back(store);
    of_column.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(of_depth)));
    stmts.push_back(make_for(j, c_.i64(0), count, LoopKind::Serial, std::move(of_column)));
    return stmts;
  }
  of_column.push_back(store);
  append(of_depth, innermost_loop(c_, j, c_.i64(0), count, scope_.widths, of_column));
  stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(of_depth)));
  return stmts;
}

/// [k][column] of one tile, each column along the depth. Where the depth is one loop, in pieces as long as a cache
/// line: the lines that the piece is scattered over are written by all columns before the next piece.
Stmts ColumnPanel::pack_chains(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const {
  const bool in_pieces = scope_.columns_depth.is_linear();
  const LoopVar *j = c_.loop_var("j"), *piece = c_.loop_var("piece");
  const int64_t length = 16;
  Stmts body;
  Substitution with = scope_.outer;
  const Expr column =
      scope_.bind("column", scope_.min(scope_.add(first, c_.loop(j)), scope_.sub(columns.high, c_.i64(1))), body);
  append(body, scope_.columns.at(column, with));
  const Expr low = in_pieces ? c_.loop(piece) : depth.low;
  const Expr high = in_pieces ? scope_.min(depth.high, scope_.add(low, c_.i64(length))) : depth.high;
  append(body, scope_.columns_depth.runs(
                   low, high, [&](const LoopVar* u, Expr begin, Expr end, Expr flat, const Substitution& at) {
                     const int one[] = {1};
                     const Expr value = scope_.element(scope_.contraction.columns_operand, joined(with, at));
                     return peeled_loop(
                         c_, scope_.facts, u, begin, end, one,
                         {make_store(panel_, {tile, scope_.sub(flat, depth.origin), c_.loop(j)}, value)});
                   }));
  Stmts all{make_for(j, c_.i64(0), c_.i64(scope_.tiling.tile_columns()), LoopKind::Serial, std::move(body))};
  if (in_pieces) all = {make_for(piece, depth.low, depth.high, LoopKind::Serial, std::move(all), length)};
  return all;
}

/// A line of the task's columns along the runs of their innermost loop, and from there into the tiles: copied by whole
/// vectors wherever a run begins, and register tiles find their columns beside each other.
Stmts ColumnPanel::pack_lines(TaskRange columns, const PanelDepth& depth) const {
  const LoopVar* k = c_.loop_var("k");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  append(body,
         scope_.columns.runs(columns.low, columns.high,
                             [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                               const Expr value = scope_.element(scope_.contraction.columns_operand, joined(with, at));
                               return spilling_loop(c_, scope_.facts, u, low, high, scope_.tiling.lanes, scope_.widths,
                                                    {make_store(line_, {scope_.sub(flat, columns.low)}, value)});
                             }));
  const LoopVar* rest = c_.loop_var("rest");
  const int64_t width = scope_.tiling.tile_columns();
  const Expr count = scope_.sub(columns.high, columns.low), tiles = scope_.ceil_div(count, width);
  body.push_back(make_for(rest, count, scope_.mul(tiles, width), LoopKind::Serial,
                          {make_store(line_, {c_.loop(rest)}, c_.constant(line_->dtype, 0))}));
  const LoopVar *tile = c_.loop_var("jt"), *j = c_.loop_var("j");
  const StmtPtr copy = make_store(panel_, {c_.loop(tile), scope_.sub(c_.loop(k), depth.origin), c_.loop(j)},
                                  c_.load(line_, {scope_.add(scope_.mul(c_.loop(tile), width), c_.loop(j))}));
  body.push_back(
      make_for(tile, c_.i64(0), tiles, LoopKind::Serial, unrolled_loop(c_, j, width, scope_.widths, {copy})));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

}  // namespace strata::compiler
