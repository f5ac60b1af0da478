#include "strata/compiler/loop/panels.h"

#include "strata/compiler/loop/peel.h"
#include "strata/compiler/loop/vector_loop.h"
#include "strata/compiler/loop/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

namespace {

/// for var in 0..count by vectors, unrolled where it is whole.
Stmts vector_tile(LoopContext& c, const LoopVar* var, int64_t whole, int64_t count, std::span<const int> widths,
                  const Stmts& body) {
  if (whole < 0) return vector_loop(c, var, c.i64(0), c.i64(count), widths, body);
  Stmts made;
  for (int64_t at = 0; at < whole;) {
    int width = 1;
    for (int w : widths)
      if (w <= whole - at) {
        width = w;
        break;
      }
    const auto wide = vector_body(c, body, var, c.i64(at), width);
    if (!wide) return vector_loop(c, var, c.i64(0), c.i64(count), widths, body);
    append(made, *wide);
    at += width;
  }
  return made;
}

/// Whether the columns' innermost loop is so short that copying along it does not pay.
bool has_short_runs(const ContractionScope& s) {
  const Dim run = s.k.columns.is_empty() ? Dim(1) : s.k.columns.loops.back().extent;
  return !s.columns.is_linear() && run.is_constant() && run.constant() < 6;
}

bool columns_run_along_depth(const ContractionScope& s) {
  const int along_depth = s.contiguity(s.k.columns_operand, s.k.depth);
  const int along_columns = s.contiguity(s.k.columns_operand, s.k.columns);
  return along_depth > along_columns || (has_short_runs(s) && along_depth >= along_columns);
}

}  // namespace

ColumnPanel::ColumnPanel(const ContractionScope& scope)
    : s_(scope),
      is_along_depth_(columns_run_along_depth(scope)),
      is_in_lines_(!is_along_depth_ && !scope.columns.is_linear()) {
  const int64_t tiles = s_.t.task_columns / s_.t.tile_columns();
  panel_ = is_in_lines_ ? s_.scratch("columns", {s_.t.panel_depth, s_.t.task_columns + 16})
                        : s_.scratch("columns", {tiles, s_.t.panel_depth, s_.t.tile_columns()});
}

std::string ColumnPanel::note() const {
  return std::string("pack columns as ") + (is_in_lines_ ? "[k][columns]" : "[tile][k][column]") +
         (is_along_depth_ ? ", transposed" : "");
}

Expr ColumnPanel::at(Expr jt, int64_t v, Expr k) const {
  const int lanes = s_.t.lanes;
  if (!is_in_lines_) return s_.c.load(panel_, {jt, k, s_.c.ramp(s_.c.i64(v * lanes), 1, lanes)});
  const Expr first = s_.add(s_.mul(jt, s_.t.tile_columns()), s_.c.i64(v * lanes));
  return s_.c.load(panel_, {k, s_.c.ramp(first, 1, lanes)});
}

Stmts ColumnPanel::pack(TaskRange columns, TaskRange depth) const {
  if (is_in_lines_) return pack_lines(columns, depth);
  if (!is_along_depth_) return pack_rows_of_tiles(columns, depth);
  const LoopVar* tile = s_.c.loop_var("jt");
  Stmts body;
  const Expr first = s_.bind("j_first", s_.add(columns.low, s_.mul(s_.c.loop(tile), s_.t.tile_columns())), body);
  if (!(s_.columns.is_linear() && s_.columns_depth.is_linear()))
    append(body, pack_chains(s_.c.loop(tile), first, columns, depth));
  else
    append(body, pack_tile(s_.c.loop(tile), first, columns, depth));
  return {make_for(tile, s_.c.i64(0), s_.ceil_div(s_.sub(columns.high, columns.low), s_.t.tile_columns()),
                   LoopKind::Serial, std::move(body))};
}

/// Along columns: whole tiles row by row of the operand, as it lies in memory; then the tile that is cut off.
Stmts ColumnPanel::pack_rows_of_tiles(TaskRange columns, TaskRange depth) const {
  const Expr count = s_.sub(columns.high, columns.low);
  Stmts stmts;
  const Expr whole = s_.bind("whole", s_.c.binary(ExprOp::FloorDiv, count, s_.c.i64(s_.t.tile_columns())), stmts);
  const LoopVar *k = s_.c.loop_var("k"), *tile = s_.c.loop_var("jt"), *j = s_.c.loop_var("j");
  Substitution with = s_.outer;
  Stmts body = s_.columns_depth.at(s_.c.loop(k), with);
  Stmts copy =
      s_.columns.at(s_.add(s_.add(columns.low, s_.mul(s_.c.loop(tile), s_.t.tile_columns())), s_.c.loop(j)), with);
  copy.push_back(make_store(panel_, {s_.c.loop(tile), s_.sub(s_.c.loop(k), depth.low), s_.c.loop(j)},
                            s_.element(s_.k.columns_operand, with)));
  body.push_back(make_for(tile, s_.c.i64(0), whole, LoopKind::Serial,
                          vector_tile(s_.c, j, s_.t.tile_columns(), s_.t.tile_columns(), s_.widths, copy)));
  stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body)));
  Stmts last;
  const Expr first = s_.bind("j_first", s_.add(columns.low, s_.mul(whole, s_.t.tile_columns())), last);
  append(last, pack_cut_tile(whole, first, columns, depth));
  stmts.push_back(make_if(s_.c.binary(ExprOp::Lt, s_.mul(whole, s_.t.tile_columns()), count), std::move(last)));
  return stmts;
}

Stmts ColumnPanel::pack_tile(Expr tile, Expr first, TaskRange columns, TaskRange depth) const {
  const Expr is_whole = s_.c.binary(ExprOp::Le, s_.add(first, s_.c.i64(s_.t.tile_columns())), columns.high);
  return {make_if(is_whole, pack_whole_tile(tile, first, depth), pack_cut_tile(tile, first, columns, depth))};
}

/// Across the rows of the operand, which run along the depth.
Stmts ColumnPanel::pack_whole_tile(Expr tile, Expr first, TaskRange depth) const {
  const LoopVar *k = s_.c.loop_var("k"), *j = s_.c.loop_var("j");
  Substitution with = s_.outer;
  Stmts body = s_.columns_depth.at(s_.c.loop(k), with);
  Stmts copy = s_.columns.at(s_.add(first, s_.c.loop(j)), with);
  copy.push_back(make_store(panel_, {tile, s_.sub(s_.c.loop(k), depth.low), s_.c.loop(j)},
                            s_.element(s_.k.columns_operand, with)));
  // 8 at a time, whose lines the first cache holds even when all fall into one set.
  const int narrow = std::min(8, s_.t.lanes);
  const LoopVar* group = s_.c.loop_var("group");
  if (const auto few = vector_body(s_.c, copy, j, s_.c.loop(group), narrow)) {
    append(body, *few);
    return {make_for(group, s_.c.i64(0), s_.c.i64(s_.t.tile_columns()), LoopKind::Serial,
                     {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))}, narrow)};
  }
  append(body, vector_tile(s_.c, j, s_.t.tile_columns(), s_.t.tile_columns(), s_.widths, copy));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

/// The last tile, with zeros beyond the last column.
Stmts ColumnPanel::pack_cut_tile(Expr tile, Expr first, TaskRange columns, TaskRange depth) const {
  const LoopVar *zero = s_.c.loop_var("k"), *k = s_.c.loop_var("k"), *j = s_.c.loop_var("j");
  Stmts zeros;
  for (int64_t v = 0; v < s_.t.tile_vectors; ++v)
    zeros.push_back(make_store(
        panel_, {tile, s_.sub(s_.c.loop(zero), depth.low), s_.c.ramp(s_.c.i64(v * s_.t.lanes), 1, s_.t.lanes)},
        s_.c.broadcast(s_.c.constant(s_.type, 0), s_.t.lanes)));
  Stmts stmts{make_for(zero, depth.low, depth.high, LoopKind::Serial, std::move(zeros))};
  const Expr count = s_.sub(columns.high, first);
  Substitution with = s_.outer;
  Stmts of_column = s_.columns.at(s_.add(first, s_.c.loop(j)), with);
  Stmts of_depth = s_.columns_depth.at(s_.c.loop(k), with);
  const StmtPtr store =
      make_store(panel_, {tile, s_.sub(s_.c.loop(k), depth.low), s_.c.loop(j)}, s_.element(s_.k.columns_operand, with));
  if (is_along_depth_) {
    of_depth.push_back(store);
    of_column.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(of_depth)));
    stmts.push_back(make_for(j, s_.c.i64(0), count, LoopKind::Serial, std::move(of_column)));
    return stmts;
  }
  of_column.push_back(store);
  append(of_depth, vector_loop(s_.c, j, s_.c.i64(0), count, s_.widths, of_column));
  stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(of_depth)));
  return stmts;
}

/// [k][column] of one tile, each column along the depth. Where the depth is one loop, in pieces as long as a cache
/// line: the lines that the piece is scattered over are written by all columns before the next piece.
Stmts ColumnPanel::pack_chains(Expr tile, Expr first, TaskRange columns, TaskRange depth) const {
  const bool in_pieces = s_.columns_depth.is_linear();
  const LoopVar *j = s_.c.loop_var("j"), *piece = s_.c.loop_var("piece");
  const int64_t length = 16;
  Stmts body;
  Substitution with = s_.outer;
  const Expr column = s_.bind("column", s_.min(s_.add(first, s_.c.loop(j)), s_.sub(columns.high, s_.c.i64(1))), body);
  append(body, s_.columns.at(column, with));
  const Expr low = in_pieces ? s_.c.loop(piece) : depth.low;
  const Expr high = in_pieces ? s_.min(depth.high, s_.add(low, s_.c.i64(length))) : depth.high;
  append(body, s_.columns_depth.runs(
                   low, high, [&](const LoopVar* u, Expr begin, Expr end, Expr flat, const Substitution& at) {
                     const int one[] = {1};
                     const Expr value = s_.element(s_.k.columns_operand, joined(with, at));
                     return peeled_loop(s_.c, s_.facts, u, begin, end, one,
                                        {make_store(panel_, {tile, s_.sub(flat, depth.low), s_.c.loop(j)}, value)});
                   }));
  Stmts all{make_for(j, s_.c.i64(0), s_.c.i64(s_.t.tile_columns()), LoopKind::Serial, std::move(body))};
  if (in_pieces) all = {make_for(piece, depth.low, depth.high, LoopKind::Serial, std::move(all), length)};
  return all;
}

/// [k][columns of the task], along the runs of the columns' innermost loop.
Stmts ColumnPanel::pack_lines(TaskRange columns, TaskRange depth) const {
  const LoopVar* k = s_.c.loop_var("k");
  Substitution with = s_.outer;
  Stmts body = s_.columns_depth.at(s_.c.loop(k), with);
  const Expr line = s_.sub(s_.c.loop(k), depth.low);
  append(body, s_.columns.runs(columns.low, columns.high,
                               [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                                 const Expr value = s_.element(s_.k.columns_operand, joined(with, at));
                                 return spilling_loop(s_.c, s_.facts, u, low, high, s_.t.lanes, s_.widths,
                                                      {make_store(panel_, {line, s_.sub(flat, columns.low)}, value)});
                               }));
  const LoopVar* rest = s_.c.loop_var("rest");
  const Expr count = s_.sub(columns.high, columns.low),
             padded = s_.mul(s_.ceil_div(count, s_.t.tile_columns()), s_.t.tile_columns());
  body.push_back(make_for(rest, count, padded, LoopKind::Serial,
                          {make_store(panel_, {line, s_.c.loop(rest)}, s_.c.constant(s_.type, 0))}));
  return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
}

namespace {

/// Elements between rows, and between steps of depth; 0 where that is no constant.
std::pair<int64_t, int64_t> row_strides(const ContractionScope& s) {
  LinearIndices indices(s.c, s.facts);
  const LinearIndex at = indices.of(s.k.rows_operand->args[0]);
  const auto along = [&](const LoopGroup& group) {
    const Dim stride = at.coefficient(s.c.loop(group.loops.back().var));
    return stride.is_constant() ? stride.constant() : 0;
  };
  return {along(s.k.rows), along(s.k.depth)};
}

}  // namespace

bool rows_lie_ready(const ContractionScope& s) {
  if (s.k.rows_operand->op != ExprOp::Load || s.k.rows.is_empty() || s.k.depth.is_empty() || !s.rows.is_linear() ||
      !s.rows_depth.is_linear())
    return false;
  const auto [rows, depth] = row_strides(s);
  return rows > 0 && depth == 1;
}

/// With many columns packing is nearly free, and its panel stays in the second cache. Rows that lie far apart use a
/// page each, and those a multiple of 4 KiB apart share one set of the first cache.
bool in_place_rows_pay(const ContractionScope& s) {
  constexpr int64_t kFewColumns = 256, kShortWay = 2048;
  return s.t.task_columns <= kFewColumns && row_strides(s).first * ir::dtype_bytes(s.type) <= kShortWay;
}

RowPanel::RowPanel(const ContractionScope& scope, RowStorage storage)
    : s_(scope),
      is_along_depth_(scope.contiguity(scope.k.rows_operand, scope.k.depth) >=
                      scope.contiguity(scope.k.rows_operand, scope.k.rows)),
      is_in_place_(storage == RowStorage::InPlace) {
  // Rows of the panel start in different sets of the cache.
  const int64_t deep = round_up(s_.t.panel_depth, 16) + 16;
  const int64_t tiles = is_in_place_ ? 1 : (s_.t.row_block + s_.t.tile_rows - 1) / s_.t.tile_rows;
  panel_ = is_along_depth_ ? s_.scratch("rows", {tiles, s_.t.tile_rows, deep})
                           : s_.scratch("rows", {tiles, s_.t.panel_depth, s_.t.tile_rows});
}

std::string RowPanel::note() const {
  if (is_in_place_) return "rows read in place, a cut tile packed as [row][k]";
  return std::string("pack rows as ") + (is_along_depth_ ? "[tile][row][k]" : "[tile][k][row]");
}

Expr RowPanel::at(Expr it, int64_t i, Expr k) const {
  return is_along_depth_ ? s_.c.load(panel_, {it, s_.c.i64(i), k}) : s_.c.load(panel_, {it, k, s_.c.i64(i)});
}

Expr RowPanel::in_place(Expr row, Expr k) const {
  Substitution with = s_.outer;
  s_.rows.at(row, with);
  s_.rows_depth.at(k, with);
  return s_.element(s_.k.rows_operand, with);
}

Stmts RowPanel::pack(TaskRange rows, TaskRange depth) const {
  if (is_in_place_) {
    Stmts body;
    const Expr count = s_.sub(rows.high, rows.low);
    const Expr rest = s_.bind("rest", s_.c.binary(ExprOp::FloorMod, count, s_.c.i64(s_.t.tile_rows)), body);
    const Expr first = s_.bind("i_first", s_.sub(rows.high, rest), body);
    body.push_back(make_if(s_.c.binary(ExprOp::Lt, s_.c.i64(0), rest), pack_chains(s_.c.i64(0), first, rows, depth)));
    return body;
  }
  const LoopVar* tile = s_.c.loop_var("it");
  Stmts body;
  const Expr first = s_.bind("i_first", s_.add(rows.low, s_.mul(s_.c.loop(tile), s_.t.tile_rows)), body);
  append(body, is_along_depth_ ? pack_chains(s_.c.loop(tile), first, rows, depth)
                               : pack_tile(s_.c.loop(tile), first, rows, depth));
  return {make_for(tile, s_.c.i64(0), s_.ceil_div(s_.sub(rows.high, rows.low), s_.t.tile_rows), LoopKind::Serial,
                   std::move(body))};
}

/// A vector too far at the end of a run is overwritten by the next run, or lies in the slack of the panel's row.
Stmts RowPanel::pack_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) const {
  const LoopVar* i = s_.c.loop_var("i");
  Stmts body;
  Substitution with = s_.outer;
  const Expr row = s_.bind("row", s_.min(s_.add(first, s_.c.loop(i)), s_.sub(rows.high, s_.c.i64(1))), body);
  append(body, s_.rows.at(row, with));
  append(body, s_.rows_depth.runs(depth.low, depth.high,
                                  [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                                    const Expr value = s_.element(s_.k.rows_operand, joined(with, at));
                                    return spilling_loop(
                                        s_.c, s_.facts, u, low, high, s_.t.lanes, s_.widths,
                                        {make_store(panel_, {tile, s_.c.loop(i), s_.sub(flat, depth.low)}, value)});
                                  }));
  return {make_for(i, s_.c.i64(0), s_.c.i64(s_.t.tile_rows), LoopKind::Serial, std::move(body))};
}

Stmts RowPanel::pack_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) const {
  const auto lines = [&](bool is_whole) {
    const LoopVar *k = s_.c.loop_var("k"), *i = s_.c.loop_var("i");
    Substitution with = s_.outer;
    Stmts body = s_.rows_depth.at(s_.c.loop(k), with);
    Stmts copy;
    Expr row = s_.add(first, s_.c.loop(i));
    if (!is_whole || !s_.rows.is_linear())
      row = s_.bind("row", is_whole ? row : s_.min(row, s_.sub(rows.high, s_.c.i64(1))), copy);
    append(copy, s_.rows.at(row, with));
    copy.push_back(
        make_store(panel_, {tile, s_.sub(s_.c.loop(k), depth.low), s_.c.loop(i)}, s_.element(s_.k.rows_operand, with)));
    std::vector<int> widths = s_.widths;
    widths.insert(widths.end() - 1, 2);
    const int one[] = {1};
    const bool by_vectors = is_whole && s_.rows.is_linear();
    append(body, vector_tile(s_.c, i, by_vectors ? s_.t.tile_rows : -1, s_.t.tile_rows,
                             by_vectors ? std::span<const int>(widths) : std::span<const int>(one), copy));
    return Stmts{make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
  };
  const Expr is_whole = s_.c.binary(ExprOp::Le, s_.add(first, s_.c.i64(s_.t.tile_rows)), rows.high);
  return {make_if(is_whole, lines(true), lines(false))};
}

}  // namespace strata::compiler
