// Columns for dot products of groups: the elements of a column at `group` neighbouring k lie beside each other.
//
//   tile    [k / group][column][k mod group]
//
// Where memory runs along the columns, a vector of each of the k is read and they are interleaved; where it runs along
// the depth, a group is read as it lies. What is missing of the last group is 0, or -0 for floats: 0 * -0 + sum is the
// sum, whatever it is.
#include <algorithm>

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/product/column_panel.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

Stmts ColumnPanel::pack_groups(Expr tile, Expr first, TaskRange columns, TaskRange depth) const {
  Stmts stmts = pack_groups_as_they_lie(tile, first, columns, depth);
  const LoopVar* number = c_.loop_var("kg");
  const int64_t elements = scope_.tiling.tile_columns() * scope_.contraction.group;
  const auto place_in_line = [&](Expr element) { return place(tile, c_.loop(number), element); };
  Stmts line = scope_.put_groups_in_order(panel_, place_in_line, c_.i64(elements));
  if (line.empty()) return stmts;
  const Expr groups = scope_.ceil_div(scope_.sub(depth.high, depth.low), scope_.contraction.group);
  stmts.push_back(make_for(number, c_.i64(0), groups, LoopKind::Serial, std::move(line)));
  return stmts;
}

Stmts ColumnPanel::pack_groups_as_they_lie(Expr tile, Expr first, TaskRange columns, TaskRange depth) const {
  const int group = scope_.contraction.group;
  const LoopVar* number = c_.loop_var("kg");
  Stmts stmts;
  const Expr length = scope_.sub(depth.high, depth.low);
  const Expr whole = scope_.bind("whole", c_.binary(ExprOp::FloorDiv, length, c_.i64(group)), stmts);
  const Expr is_cut = c_.binary(ExprOp::Lt, scope_.mul(whole, group), length);
  const auto packed = [&](Expr count) {
    const bool is_whole_tile = constant_value(count) == scope_.tiling.tile_columns();
    Stmts made = is_interleaved_ && is_whole_tile ? pack_interleaved_groups(tile, first, depth)
                 : is_along_depth_ && scope_.columns_depth.is_linear()
                     ? pack_groups_along_depth(tile, first, count, depth)
                     : Stmts{make_for(number, c_.i64(0), whole, LoopKind::Serial,
                                      pack_group(tile, first, count, c_.loop(number), depth, true))};
    made.push_back(make_if(is_cut, pack_group(tile, first, count, whole, depth, false)));
    return made;
  };
  const Expr width = c_.i64(scope_.tiling.tile_columns()), rest = scope_.sub(columns.high, first);
  if (constant_value(rest).value_or(0) >= scope_.tiling.tile_columns()) {
    append(stmts, packed(width));
    return stmts;
  }
  // The sums of columns beyond the end are never read, but what they are made of has to be something.
  const LoopVar* zero = c_.loop_var("kg");
  const int lanes = scope_.tiling.lanes * group;
  Stmts zeros;
  for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v)
    zeros.push_back(make_store(panel_, place(tile, c_.loop(zero), c_.ramp(c_.i64(v * lanes), 1, lanes)),
                               c_.broadcast(c_.constant(panel_->dtype, 0), lanes)));
  Stmts cut{make_for(zero, c_.i64(0), scope_.ceil_div(length, group), LoopKind::Serial, std::move(zeros))};
  append(cut, packed(rest));
  stmts.push_back(make_if(c_.binary(ExprOp::Le, width, rest), packed(width), std::move(cut)));
  return stmts;
}

/// Group `number` of the tile's first `count` columns.
Stmts ColumnPanel::pack_group(Expr tile, Expr first, Expr count, Expr number, TaskRange depth, bool is_whole) const {
  const int group = scope_.contraction.group;
  const LoopVar* j = c_.loop_var("j");
  Stmts at_depth, at_column;
  Substitution column = scope_.outer;
  Expr index = scope_.add(first, c_.loop(j));
  if (!scope_.columns.is_linear()) index = scope_.bind("column", index, at_column);
  append(at_column, scope_.columns.at(index, column));
  std::vector<Expr> elements;
  for (int64_t g = 0; g < group; ++g) {
    const Expr wanted = scope_.add(depth.low, scope_.add(scope_.mul(number, group), c_.i64(g)));
    const Expr there = is_whole ? wanted : scope_.min(wanted, scope_.sub(depth.high, c_.i64(1)));
    Substitution with = column;
    append(at_depth, scope_.columns_depth.at(scope_.bind("k", there, at_depth), with));
    Expr element = scope_.element(scope_.contraction.columns_operand, with);
    if (!is_whole)
      element = c_.select(c_.binary(ExprOp::Lt, wanted, depth.high), element,
                          c_.constant(element->type.dtype, ir::is_float(element->type.dtype) ? -0.0 : 0));
    elements.push_back(element);
  }
  at_column.push_back(
      make_store(panel_, place(tile, number, c_.ramp(scope_.mul(c_.loop(j), group), 1, group)), beside(c_, elements)));
  append(at_depth, constant_value(count) ? unrolled_loop(c_, j, *constant_value(count), scope_.widths, at_column)
                                         : innermost_loop(c_, j, c_.i64(0), count, scope_.widths, at_column));
  return at_depth;
}

/// The whole groups of a tile: some of each column become as many lines by interleaving all with all, as words
/// (pack_interleaved()).
Stmts ColumnPanel::pack_interleaved_groups(Expr tile, Expr first, TaskRange depth) const {
  const int64_t width = scope_.tiling.tile_columns();
  const int group = scope_.contraction.group;
  const Expr whole = c_.binary(ExprOp::FloorDiv, scope_.sub(depth.high, depth.low), c_.i64(group));
  const ir::DType dtype = panel_->dtype;
  const LoopVar* k = c_.loop_var("k");
  Expr low = c_.i64(0);
  Stmts stages;
  constexpr int64_t kMany = 4;
  for (const int64_t groups : {std::min(kMany, kMaxLanes / (width * group)), int64_t{1}}) {
    const LoopVar* number = c_.loop_var("kg");
    const Expr start = scope_.add(depth.low, scope_.mul(c_.loop(number), group));
    std::vector<Expr> words;
    for (int64_t j = 0; j < width; ++j) {
      Substitution with = scope_.outer;
      scope_.columns_depth.at(c_.loop(k), with);
      scope_.columns.at(scope_.add(first, c_.i64(j)), with);
      const StmtPtr one = make_store(panel_, place(tile, c_.i64(0), c_.loop(k)),
                                     scope_.element(scope_.contraction.columns_operand, with));
      const auto wide = vector_body(c_, {&one, 1}, k, start, static_cast<int>(groups * group));
      if (!wide) return pack_groups_along_depth(tile, first, c_.i64(width), depth);
      const Expr value = (*wide)[0]->value;
      words.push_back(c_.bitcast(
          ir::DType::u32, value->type.lanes == 1 ? c_.broadcast(value, static_cast<int>(groups * group)) : value));
    }
    const Expr lines = c_.bitcast(dtype, beside(c_, words));
    const Expr end = scope_.mul(c_.binary(ExprOp::FloorDiv, whole, c_.i64(groups)), groups);
    stages.push_back(make_for(
        number, low, end, LoopKind::Serial,
        {make_store(panel_, place(tile, c_.loop(number), c_.ramp(c_.i64(0), 1, lines->type.lanes)), lines)}, groups));
    low = end;
  }
  return stages;
}

/// The whole groups of the tile's first `count` columns, column by column.
Stmts ColumnPanel::pack_groups_along_depth(Expr tile, Expr first, Expr count, TaskRange depth) const {
  const int group = scope_.contraction.group;
  const LoopVar *j = c_.loop_var("j"), *number = c_.loop_var("kg"), *k = c_.loop_var("k");
  Substitution with = scope_.outer;
  Stmts of_column;
  Expr index = scope_.add(first, c_.loop(j));
  if (!scope_.columns.is_linear()) index = scope_.bind("column", index, of_column);
  append(of_column, scope_.columns.at(index, with));
  const Expr start = scope_.add(depth.low, scope_.mul(c_.loop(number), group));
  Stmts copy = scope_.columns_depth.at(scope_.add(start, c_.loop(k)), with);
  copy.push_back(make_store(panel_, place(tile, c_.loop(number), scope_.add(scope_.mul(c_.loop(j), group), c_.loop(k))),
                            scope_.element(scope_.contraction.columns_operand, with)));
  const int widths[] = {group, 1};
  const Expr whole = c_.binary(ExprOp::FloorDiv, scope_.sub(depth.high, depth.low), c_.i64(group));
  of_column.push_back(make_for(number, c_.i64(0), whole, LoopKind::Serial, unrolled_loop(c_, k, group, widths, copy)));
  return {make_for(j, c_.i64(0), count, LoopKind::Serial, std::move(of_column))};
}

}  // namespace strata::compiler
