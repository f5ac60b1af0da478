#include "strata/compiler/loop/write/product/column_panel.h"

#include <fmt/format.h>
#include <bit>

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

bool packs_line_by_line(const ProductScope& scope, ColumnStorage storage) {
  return storage == ColumnStorage::Packed && !columns_run_along_depth(scope) && !scope.columns.is_linear() &&
         scope.contraction.group == 1;
}

namespace {

/// Tiles as wide as a power of two, of columns along the depth without gaps. Groups are interleaved as words.
bool lines_are_interleaved(const ProductScope& scope) {
  constexpr int64_t kWidest = 64, kWordBytes = 4;
  const int64_t width = scope.tiling.tile_columns(), group = scope.contraction.group;
  const bool are_words = group * ir::dtype_bytes(scope.contraction.columns_operand->type.dtype) == kWordBytes;
  return (group == 1 || are_words) && scope.columns.is_linear() && scope.columns_depth.is_linear() && width > 1 &&
         width <= kWidest && std::has_single_bit(static_cast<uint64_t>(width)) &&
         scope.contraction.columns_operand->type.dtype != ir::DType::boolean;
}

}  // namespace

ColumnPanel::ColumnPanel(const ProductScope& scope, ColumnStorage storage, Holds holds)
    : scope_(scope),
      c_(scope.context),
      is_along_depth_(columns_run_along_depth(scope)),
      is_in_lines_(packs_line_by_line(scope, storage)),
      is_interleaved_(is_along_depth_ && lines_are_interleaved(scope)),
      holds_(holds) {
  const int group = scope_.contraction.group;
  const ir::DType type = scope_.contraction.columns_operand->type.dtype;
  const int64_t tiles = holds == Holds::OneTile ? 1 : scope_.tiling.task_columns / scope_.tiling.tile_columns();
  const int64_t lines = ceil_div(scope_.tiling.panel_depth, group), line = scope_.tiling.tile_columns() * group;
  panel_ = is_interleaved_ ? scope_.scratch("columns", type, {tiles, lines * line})
                           : scope_.scratch("columns", type, {tiles, lines, line});
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
  return std::string(holds_ == Holds::OneTile ? "pack columns as [k][column], tile by tile"
                                              : "pack columns as [tile][k][column]") +
         (is_in_lines_      ? ", line by line"
          : is_along_depth_ ? ", transposed"
                            : "");
}

std::vector<Expr> ColumnPanel::place(Expr tile, Expr k, Expr column) const {
  const Expr of_tile = place_of(tile);
  if (!is_interleaved_) return {of_tile, k, column};
  const Expr line = scope_.mul(k, scope_.tiling.tile_columns() * scope_.contraction.group);
  if (column->op != ExprOp::Ramp) return {of_tile, scope_.add(line, column)};
  return {of_tile, c_.ramp(scope_.add(line, column->args[0]), 1, column->type.lanes)};
}

Expr ColumnPanel::at(Expr jt, int64_t v, Expr k) const {
  const int lanes = scope_.tiling.lanes * scope_.contraction.group;
  return c_.load(panel_, place(jt, k, c_.ramp(c_.i64(v * lanes), 1, lanes)));
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
                              RowTileOf rows) const {
  const int lanes = scope_.tiling.lanes * scope_.contraction.group;
  const auto store = [&](Expr k, const ReadyColumns::ColumnAt& column_at) {
    Stmts made;
    for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v)
      made.push_back(
          make_store(panel_, place(tile, k, c_.ramp(c_.i64(v * lanes), 1, lanes)), column_at(static_cast<size_t>(v))));
    return made;
  };
  const TaskRange all{c_.i64(0), scope_.sub(depth.high, depth.low)};
  return from.steps(tile, columns.low, depth.low, all, store, rows);
}

/// Row k of the operand in a whole tile. `with`: what the depth's loops are at k.
Stmts ColumnPanel::copy_row(Expr tile, Expr first, const LoopVar* k, const PanelDepth& depth, Substitution with) const {
  const LoopVar* j = c_.loop_var("j");
  Stmts copy = scope_.columns.at(scope_.add(first, c_.loop(j)), with);
  copy.push_back(make_store(panel_, place(tile, scope_.sub(c_.loop(k), depth.origin), c_.loop(j)),
                            scope_.element(scope_.contraction.columns_operand, with)));
  return unrolled_loop(c_, j, scope_.tiling.tile_columns(), scope_.widths, copy);
}

Stmts ColumnPanel::pack_row_by_row(Expr tile, Expr first, const PanelDepth& depth) const {
  const LoopVar* k = c_.loop_var("k");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  append(body, copy_row(tile, first, k, depth, with));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

bool ColumnPanel::come_from_memory() const {
  constexpr int64_t kKeptBytes = 1 << 18;
  const Contraction& k = scope_.contraction;
  const ir::Dim elements = k.columns.extent() * k.depth.extent();
  const bool is_large =
      !elements.is_constant() || elements.constant() * ir::dtype_bytes(k.columns_operand->type.dtype) > kKeptBytes;
  return is_large && !is_along_depth_ && scope_.columns_depth.is_linear() && scope_.columns.is_linear();
}

Stmts ColumnPanel::prefetches(Expr first, Expr k) const {
  constexpr int64_t kLineBytes = 64;
  Stmts made;
  for (const Expr load : collect_loads(scope_.contraction.columns_operand)) {
    const int64_t line = kLineBytes / ir::dtype_bytes(load->buffer->dtype);
    for (int64_t j = 0; j < scope_.tiling.tile_columns(); j += line) {
      Substitution with = scope_.outer;
      scope_.columns_depth.at(k, with);
      scope_.columns.at(scope_.add(first, c_.i64(j)), with);
      made.push_back(make_prefetch(load->buffer, {scope_.element(load->args[0], with)}));
    }
  }
  return made;
}

/// Along columns: whole tiles row by row of the operand, as it lies in memory; then the tile that is cut off.
Stmts ColumnPanel::pack_rows_of_tiles(TaskRange columns, const PanelDepth& depth) const {
  const Expr count = scope_.sub(columns.high, columns.low);
  Stmts stmts;
  const Expr whole =
      scope_.bind("whole", c_.binary(ExprOp::FloorDiv, count, c_.i64(scope_.tiling.tile_columns())), stmts);
  const LoopVar *k = c_.loop_var("k"), *tile = c_.loop_var("jt");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  const Expr first = scope_.add(columns.low, scope_.mul(c_.loop(tile), scope_.tiling.tile_columns()));
  body.push_back(make_for(tile, c_.i64(0), whole, LoopKind::Serial, copy_row(c_.loop(tile), first, k, depth, with)));
  stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body)));
  if (columns.multiple % scope_.tiling.tile_columns() == 0) return stmts;
  Stmts last;
  const Expr cut =
      scope_.bind("j_first", scope_.add(columns.low, scope_.mul(whole, scope_.tiling.tile_columns())), last);
  append(last, pack_cut_tile(whole, cut, columns, depth));
  stmts.push_back(
      make_if(c_.binary(ExprOp::Lt, scope_.mul(whole, scope_.tiling.tile_columns()), count), std::move(last)));
  return stmts;
}

Stmts ColumnPanel::pack_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const {
  Stmts whole = is_along_depth_ ? pack_whole_tile(tile, first, depth) : pack_row_by_row(tile, first, depth);
  if (columns.multiple % scope_.tiling.tile_columns() == 0) return whole;
  const Expr is_whole = c_.binary(ExprOp::Le, scope_.add(first, c_.i64(scope_.tiling.tile_columns())), columns.high);
  return {make_if(is_whole, std::move(whole), pack_cut_tile(tile, first, columns, depth))};
}

/// Across the rows of the operand, which run along the depth.
Stmts ColumnPanel::pack_whole_tile(Expr tile, Expr first, const PanelDepth& depth) const {
  if (is_interleaved_) return pack_interleaved(tile, first, depth);
  const LoopVar *k = c_.loop_var("k"), *j = c_.loop_var("j");
  Substitution with = scope_.outer;
  Stmts body = scope_.columns_depth.at(c_.loop(k), with);
  Stmts copy = scope_.columns.at(scope_.add(first, c_.loop(j)), with);
  copy.push_back(make_store(panel_, place(tile, scope_.sub(c_.loop(k), depth.origin), c_.loop(j)),
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

/// A few elements of each column, which lie beside each other, become as many lines of the tile by interleaving all
/// with all: 0.07 and 0.04 ns an element with AVX-512 and AVX2, where a line put together one by one takes 0.28 (Zen
/// 5).
Stmts ColumnPanel::pack_interleaved(Expr tile, Expr first, const PanelDepth& depth) const {
  const LoopVar* k = c_.loop_var("k");
  std::vector<Expr> elements;
  for (int64_t j = 0; j < scope_.tiling.tile_columns(); ++j) {
    Substitution with = scope_.outer;
    scope_.columns_depth.at(c_.loop(k), with);
    scope_.columns.at(scope_.add(first, c_.i64(j)), with);
    elements.push_back(scope_.element(scope_.contraction.columns_operand, with));
  }
  const int width = static_cast<int>(scope_.tiling.tile_columns());
  const Expr line = c_.ramp(c_.i64(0), 1, width);
  const int widths[] = {4, 1};
  return loop_in_stages(
      c_, k, depth.low, depth.high, widths,
      {make_store(panel_, place(tile, scope_.sub(c_.loop(k), depth.origin), line), beside(c_, elements))});
}

/// The last tile, with zeros beyond the last column.
Stmts ColumnPanel::pack_cut_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const {
  const LoopVar *zero = c_.loop_var("k"), *k = c_.loop_var("k"), *j = c_.loop_var("j");
  Stmts zeros;
  for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v)
    zeros.push_back(make_store(panel_,
                               place(tile, scope_.sub(c_.loop(zero), depth.origin),
                                     c_.ramp(c_.i64(v * scope_.tiling.lanes), 1, scope_.tiling.lanes)),
                               c_.broadcast(c_.constant(scope_.type, 0), scope_.tiling.lanes)));
  Stmts stmts{make_for(zero, depth.low, depth.high, LoopKind::Serial, std::move(zeros))};
  const Expr count = scope_.sub(columns.high, first);
  Substitution with = scope_.outer;
  Stmts of_column = scope_.columns.at(scope_.add(first, c_.loop(j)), with);
  Stmts of_depth = scope_.columns_depth.at(c_.loop(k), with);
  const StmtPtr store = make_store(panel_, place(tile, scope_.sub(c_.loop(k), depth.origin), c_.loop(j)),
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
                         {make_store(panel_, place(tile, scope_.sub(flat, depth.origin), c_.loop(j)), value)});
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
  const StmtPtr copy = make_store(panel_, place(c_.loop(tile), scope_.sub(c_.loop(k), depth.origin), c_.loop(j)),
                                  c_.load(line_, {scope_.add(scope_.mul(c_.loop(tile), width), c_.loop(j))}));
  body.push_back(
      make_for(tile, c_.i64(0), tiles, LoopKind::Serial, unrolled_loop(c_, j, width, scope_.widths, {copy})));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

}  // namespace strata::compiler
