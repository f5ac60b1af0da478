#include "strata/compiler/loop/write/product/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "strata/compiler/loop/write/innermost.h"

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

ProductWriter::ProductWriter(ProductScope& scope, Panels panels, JoinedSums sums)
    : scope_(scope), c_(scope.context), sums_(std::move(sums)), panels_(panels) {}

Stmts ProductWriter::write() {
  return {tasks_of_pieces(c_, task_axes(), [&](std::span<const TaskRange> ranges) { return task(ranges); })};
}

Stmts ProductWriter::panels_loop(const char* name, Expr count, int64_t step,
                                 const std::function<Stmts(Expr)>& panel) const {
  const LoopVar* low = c_.loop_var(name);
  return {
      make_for(low, c_.i64(0), c_.binary(ExprOp::Max, count, c_.i64(1)), LoopKind::Serial, panel(c_.loop(low)), step)};
}

bool ProductWriter::is_one_row_block(TaskRange rows) const {
  const int64_t most = scope_.tiling.row_block;
  return constant_value(scope_.sub(rows.high, rows.low)).value_or(most + 1) <= most;
}

Stmts ProductWriter::row_blocks(TaskRange rows, const std::function<Stmts(TaskRange)>& block) const {
  const int64_t most = scope_.tiling.row_block;
  const LoopVar* low = c_.loop_var("rb");
  Stmts body;
  const Expr high = scope_.bind("r_end", scope_.min(rows.high, scope_.add(c_.loop(low), c_.i64(most))), body);
  append(body, block({c_.loop(low), high}));
  return {make_for(low, rows.low, rows.high, LoopKind::Serial, std::move(body), most)};
}

ProductWriter::RowTile ProductWriter::row_tile(Expr number, TaskRange task_rows, TaskRange rows, Stmts& stmts) const {
  const int64_t height = scope_.tiling.tile_rows;
  const Expr first = scope_.bind("i_first", scope_.add(rows.low, scope_.mul(number, height)), stmts);
  const Expr sums_row = is_one_panel() ? c_.i64(0) : scope_.bind("sums_row", scope_.sub(first, task_rows.low), stmts);
  return {{first, scope_.min(rows.high, scope_.add(first, c_.i64(height)))}, sums_row};
}

Expr ProductWriter::row_tiles(TaskRange rows) const {
  return scope_.ceil_div(scope_.sub(rows.high, rows.low), scope_.tiling.tile_rows);
}

Expr ProductWriter::column_tiles(Expr columns) const { return scope_.ceil_div(columns, scope_.tiling.tile_columns()); }

Stmts ProductWriter::register_tile(const Place& place, const JoinedSums::Segment& segment,
                                   const std::function<Stmts(const Accumulators&)>& depth) {
  const int lanes = scope_.tiling.lanes;
  Accumulators accumulators{place.first, place.last, {}};
  for (int64_t i = place.first; i < place.last; ++i)
    for (int64_t v = 0; v < scope_.tiling.tile_vectors; ++v) {
      const Local* sum =
          c_.local(fmt::format("s{}_{}", i, v), {scope_.type, static_cast<uint16_t>(lanes)}, /*is_mutable=*/true);
      const Expr column = c_.ramp(scope_.add(place.sums_column, c_.i64(v * lanes)), 1, lanes);
      sums_.add(sum, scope_.add(place.sums_row, c_.i64(i)), column);
      accumulators.sums.push_back(sum);
    }
  Stmts stmts = sums_.begin(segment);
  append(stmts, depth(accumulators));
  append(stmts, sums_.end(segment));
  return stmts;
}

Stmts ProductWriter::step(const Accumulators& accumulators, const std::function<Expr(int64_t)>& row_at,
                          const std::function<Expr(int64_t)>& columns_at) const {
  const int64_t vectors = scope_.tiling.tile_vectors;
  const bool is_in_groups = scope_.contraction.group > 1;  // a row's group is shared by all lanes
  Stmts body;
  const auto bind = [&](std::string name, Expr value) {
    const Local* local = c_.local(std::move(name), value->type, false);
    body.push_back(make_declare(local, value));
    return c_.read(local);
  };
  std::vector<Expr> columns;
  for (int64_t v = 0; v < vectors; ++v) columns.push_back(bind(fmt::format("c{}", v), columns_at(v)));
  auto sum = accumulators.sums.begin();
  for (int64_t i = accumulators.first; i < accumulators.last; ++i) {
    const Expr element = row_at(i);
    const Expr row = bind(fmt::format("r{}", i), is_in_groups ? element : c_.broadcast(element, scope_.tiling.lanes));
    for (const Expr column : columns) {
      body.push_back(make_assign(*sum, scope_.contraction.step(c_, row, column, c_.read(*sum))));
      ++sum;
    }
  }
  return body;
}

Stmts ProductWriter::for_rows(const RowTile& tile, const RowBody& body_at) const {
  const LoopVar* i = c_.loop_var("i");
  Substitution with = scope_.outer;
  Stmts body;
  const Expr row = scope_.stored_rows.is_linear() ? c_.loop(i) : scope_.bind("row", c_.loop(i), body);
  append(body, scope_.stored_rows.at(row, with));
  append(body, body_at(scope_.add(tile.sums_row, scope_.sub(c_.loop(i), tile.rows.low)), with));
  return {make_for(i, tile.rows.low, tile.rows.high, LoopKind::Serial, std::move(body))};
}

bool ProductWriter::results_run_along_rows(const ProductScope& of) const {
  if (!of.stored_rows.is_linear() || !of.stored_columns.is_linear()) return false;
  const LoopVar *row = c_.loop_var("row"), *column = c_.loop_var("column");
  Substitution with;
  of.stored_rows.at(c_.loop(row), with);
  of.stored_columns.at(c_.loop(column), with);
  return std::ranges::all_of(of.contraction.epilogue, [&](const StmtPtr& store) {
    LinearIndices indices(c_, of.facts);
    const LinearIndex at = indices.of(substitute(c_, store->indices[0], with));
    return at.coefficient(c_.loop(row)) == ir::Dim(1) && !(at.coefficient(c_.loop(column)) == ir::Dim(1));
  });
}

/// Column by column: each line of the results is written once, not by one element for each row.
Stmts ProductWriter::epilogue_along_rows(const RowTile& row, Expr sums_column, Expr low, Expr count) const {
  const LoopVar *i = c_.loop_var("i"), *u = c_.loop_var("u");
  Substitution with = scope_.outer;
  Stmts body = scope_.stored_columns.at(scope_.add(low, c_.loop(u)), with);
  append(body, scope_.stored_rows.at(scope_.add(row.rows.low, c_.loop(i)), with));
  append(body, stores(with, sums_.total(scope_.add(row.sums_row, c_.loop(i)), scope_.add(sums_column, c_.loop(u)))));
  return {make_for(u, c_.i64(0), count, LoopKind::Serial,
                   innermost_loop(c_, i, c_.i64(0), scope_.sub(row.rows.high, row.rows.low), scope_.widths, body))};
}

Stmts ProductWriter::epilogue_of_tile(const RowTile& row, Expr sums_column, Expr low, TaskRange columns) const {
  const bool runs_along_rows = results_run_along_rows(scope_);
  const auto finish = [&](Expr count) {
    if (runs_along_rows) return epilogue_along_rows(row, sums_column, low, count);
    return for_rows(row, [&](Expr sums_at, Substitution with) {
      const LoopVar* u = c_.loop_var("u");
      Stmts body = scope_.stored_columns.at(scope_.add(low, c_.loop(u)), with);
      append(body, stores(with, sums_.total(sums_at, scope_.add(sums_column, c_.loop(u)))));
      return innermost_loop(c_, u, c_.i64(0), count, scope_.widths, body);
    });
  };
  const Expr whole = c_.i64(scope_.tiling.tile_columns()), rest = scope_.sub(columns.high, low);
  if (columns.multiple % scope_.tiling.tile_columns() == 0) return finish(whole);
  return {make_if(c_.binary(ExprOp::Le, whole, rest), finish(whole), finish(rest))};
}

Stmts ProductWriter::stores(Substitution with, Expr total) const {
  with.locals[scope_.contraction.accumulator] = total;
  const Stmts& epilogue = scope_.contraction.epilogue;
  Stmts made, stored;
  for (const StmtPtr& store : epilogue) {
    Expr value = scope_.element(store->value, with);
    if (epilogue.size() > 1) {
      const Local* local = c_.local("v" + std::to_string(stored.size()), value->type, false);
      made.push_back(make_declare(local, value));
      value = c_.read(local);
    }
    stored.push_back(make_store(store->buffer, {scope_.element(store->indices[0], with)}, value));
  }
  append(made, stored);
  return made;
}

}  // namespace strata::compiler
