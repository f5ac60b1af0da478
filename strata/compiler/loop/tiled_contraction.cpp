#include "strata/compiler/loop/tiled_contraction.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/joined_sums.h"
#include "strata/compiler/loop/panels.h"
#include "strata/compiler/loop/vector_loop.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class Writer {
 public:
  Writer(ContractionScope& scope, RowStorage rows, std::vector<std::string>& notes)
      : s_(scope),
        c_(scope.c),
        k_(scope.k),
        t_(scope.t),
        rows_(scope, rows),
        columns_(scope),
        is_one_panel_(is_at_most(scope.k.depth.extent(), scope.t.panel_depth)),
        // A tile of columns stays in the first cache while all rows pass it; runs that cross tiles need a whole row of
        // them.
        is_by_tiles_(scope.columns.is_linear()),
        sums_(scope, JoinedSums::Cut::BetweenBlocks, is_one_panel_ ? scope.t.tile_rows : scope.t.padded_task_rows(),
              is_one_panel_ && is_by_tiles_ ? scope.t.tile_columns() : scope.t.task_columns + 16) {
    notes.push_back(rows_.note());
    notes.push_back(columns_.note());
    notes.push_back(is_one_panel_ ? (is_by_tiles_ ? "sums stay in one tile" : "sums stay in one row of tiles")
                                  : "sums of panels of depth wait for the next");
    if (k_.blocks.kind != DepthBlocks::Kind::One)
      notes.push_back(fmt::format("chains of at most {} terms, joined by a tree", k_.blocks.terms));
    notes.push_back("epilogue at the last panel of depth");
  }

  Stmts write() {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : k_.batch.loops) axes.push_back({loop.extent, 1});
    axes.push_back({k_.rows.extent(), t_.task_rows});
    axes.push_back({k_.columns.extent(), t_.task_columns});
    return {tasks_of_pieces(c_, axes, [&](std::span<const TaskRange> ranges) { return task(ranges); })};
  }

 private:
  static bool is_at_most(Dim extent, int64_t most) { return extent.is_constant() && extent.constant() <= most; }

  /// Blocks of depth in a panel.
  int64_t panel_blocks() const {
    return k_.blocks.kind == DepthBlocks::Kind::Even ? std::max<int64_t>(1, t_.panel_depth / k_.blocks.terms) : 1;
  }

  Stmts task(std::span<const TaskRange> ranges) {
    Stmts stmts{rows_.alloc(), columns_.alloc(), sums_.alloc()};
    for (size_t i = 0; i < k_.batch.loops.size(); ++i) s_.outer.loops[k_.batch.loops[i].var] = ranges[i].low;
    const TaskRange rows = ranges[ranges.size() - 2], columns = ranges[ranges.size() - 1];
    const Expr count = c_.dim(k_.blocks.count);
    if (is_one_panel_) {
      append(stmts, panel(rows, columns, {{c_.i64(0), count}, {c_.i64(0), c_.dim(k_.depth.extent())}}));
      return stmts;
    }
    const LoopVar* block = c_.loop_var("kb");
    Stmts body;
    const Expr one = c_.i64(1);
    const Expr end = s_.min(count, s_.add(c_.loop(block), c_.i64(panel_blocks())));
    const Expr high = s_.bind("kb_end", c_.binary(ExprOp::Max, end, s_.add(c_.loop(block), one)), body);
    const Expr from = s_.bind("k_begin", s_.block_range(c_.loop(block)).low, body);
    const Expr to = s_.bind("k_end", s_.block_range(s_.sub(high, one)).high, body);
    append(body, panel(rows, columns, {{c_.loop(block), high}, {from, to}}));
    // A depth of nothing is one block of nothing: the epilogue still runs.
    stmts.push_back(make_for(block, c_.i64(0), c_.binary(ExprOp::Max, count, one), LoopKind::Serial, std::move(body),
                             panel_blocks()));
    return stmts;
  }

  /// What of the depth is packed at once: whole blocks.
  struct Panel {
    TaskRange blocks, depth;
  };

  Stmts panel(TaskRange rows, TaskRange columns, Panel panel) {
    Stmts stmts = columns_.pack(columns, panel.depth);
    const bool one_row_block = constant_value(s_.sub(rows.high, rows.low)).value_or(t_.row_block + 1) <= t_.row_block;
    if (one_row_block) {
      append(stmts, row_block(rows, rows, columns, panel));
      return stmts;
    }
    const LoopVar* rb = c_.loop_var("rb");
    Stmts inner;
    const Expr high = s_.bind("r_end", s_.min(rows.high, s_.add(c_.loop(rb), c_.i64(t_.row_block))), inner);
    append(inner, row_block(rows, {c_.loop(rb), high}, columns, panel));
    stmts.push_back(make_for(rb, rows.low, rows.high, LoopKind::Serial, std::move(inner), t_.row_block));
    return stmts;
  }

  // The register tile.

  Stmts row_block(TaskRange task_rows, TaskRange rows, TaskRange columns, Panel panel) {
    const TaskRange depth = panel.depth;
    Stmts stmts = rows_.pack(rows, depth);
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    const Expr row_tiles = s_.ceil_div(s_.sub(rows.high, rows.low), t_.tile_rows),
               column_tiles = s_.ceil_div(s_.sub(columns.high, columns.low), t_.tile_columns());
    Stmts body;
    const Expr first = s_.bind("i_first", s_.add(rows.low, s_.mul(c_.loop(it), t_.tile_rows)), body);
    const Expr last = s_.min(rows.high, s_.add(first, c_.i64(t_.tile_rows)));
    const Expr sums_row = is_one_panel_ ? c_.i64(0) : s_.bind("sums_row", s_.sub(first, task_rows.low), body);
    const Expr column = s_.mul(c_.loop(jt), t_.tile_columns());
    const Expr sums_column = is_one_panel_ && is_by_tiles_ ? c_.i64(0) : column;
    const auto of_panel = [&](int64_t i, Expr k) {
      return rows_.at(rows_.is_in_place() ? c_.i64(0) : c_.loop(it), i, k);
    };
    Stmts tile = tile_of_panel(of_panel, c_.loop(jt), sums_row, sums_column, panel);
    if (rows_.is_in_place()) {
      const auto of_operand = [&](int64_t i, Expr k) {
        return rows_.in_place(s_.add(first, c_.i64(i)), s_.add(depth.low, k));
      };
      const Expr is_whole = c_.binary(ExprOp::Le, s_.add(first, c_.i64(t_.tile_rows)), rows.high);
      tile = {make_if(is_whole, tile_of_panel(of_operand, c_.loop(jt), sums_row, sums_column, panel), std::move(tile))};
    }
    const auto at_last_panel = [&](Stmts finish) {
      if (is_one_panel_) return finish;
      return Stmts{make_if(c_.binary(ExprOp::Ge, panel.blocks.high, c_.dim(k_.blocks.count)), std::move(finish))};
    };
    if (is_by_tiles_) {
      append(body, tile);
      append(body, at_last_panel(epilogue_of_tile({first, last}, sums_row, sums_column, s_.add(columns.low, column),
                                                  columns.high)));
      stmts.push_back(make_for(jt, c_.i64(0), column_tiles, LoopKind::Serial,
                               {make_for(it, c_.i64(0), row_tiles, LoopKind::Serial, std::move(body))}));
      return stmts;
    }
    body.push_back(make_for(jt, c_.i64(0), column_tiles, LoopKind::Serial, std::move(tile)));
    append(body, at_last_panel(epilogue({first, last}, sums_row, columns)));
    stmts.push_back(make_for(it, c_.i64(0), row_tiles, LoopKind::Serial, std::move(body)));
    return stmts;
  }

  /// `row_at(i, k)`: the element of the tile's row i at k, counted from the panel's first.
  template <class RowAt>
  Stmts tile_of_panel(RowAt row_at, Expr jt, Expr sums_row, Expr sums_column, Panel panel) {
    if (k_.blocks.kind == DepthBlocks::Kind::One || panel_blocks() == 1)
      return register_tile(row_at, jt, sums_row, sums_column, {panel.blocks.low},
                           {c_.i64(0), s_.sub(panel.depth.high, panel.depth.low)});
    const LoopVar* block = c_.loop_var("b");
    Stmts body;
    const TaskRange range = s_.block_range(c_.loop(block));
    const Expr from = s_.bind("b_begin", s_.sub(range.low, panel.depth.low), body),
               to = s_.bind("b_end", s_.sub(range.high, panel.depth.low), body);
    append(body, register_tile(row_at, jt, sums_row, sums_column, {c_.loop(block)}, {from, to}));
    return {make_for(block, panel.blocks.low, panel.blocks.high, LoopKind::Serial, std::move(body))};
  }

  template <class RowAt>
  Stmts register_tile(RowAt row_at, Expr jt, Expr sums_row, Expr sums_column, JoinedSums::Segment segment,
                      TaskRange depth) {
    const int lanes = t_.lanes;
    std::vector<const Local*> sums;
    const LoopVar* k = c_.loop_var("k");
    for (int64_t i = 0; i < t_.tile_rows; ++i)
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        sums.push_back(c_.local(fmt::format("s{}_{}", i, v), {s_.type, static_cast<uint16_t>(lanes)}, true));
        sums_.add(sums.back(), s_.add(sums_row, c_.i64(i)), c_.ramp(s_.add(sums_column, c_.i64(v * lanes)), 1, lanes));
      }
    Stmts stmts = sums_.begin(segment);
    const Expr at = c_.loop(k);
    Stmts body;
    std::vector<Expr> columns;
    for (int64_t v = 0; v < t_.tile_vectors; ++v) {
      const Local* local = c_.local(fmt::format("c{}", v), {s_.type, static_cast<uint16_t>(lanes)}, false);
      body.push_back(make_declare(local, columns_.at(jt, v, at)));
      columns.push_back(c_.read(local));
    }
    for (int64_t i = 0; i < t_.tile_rows; ++i) {
      const Local* row = c_.local(fmt::format("r{}", i), {s_.type, static_cast<uint16_t>(lanes)}, false);
      body.push_back(make_declare(row, c_.broadcast(row_at(i, at), lanes)));
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        const Local* sum = sums[static_cast<size_t>(i * t_.tile_vectors + v)];
        body.push_back(make_assign(sum, k_.step(c_, c_.read(row), columns[static_cast<size_t>(v)], c_.read(sum))));
      }
    }
    stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body)));
    append(stmts, sums_.end(segment));
    return stmts;
  }

  // The epilogue.

  /// Of a row of tiles, along the runs of the columns.
  Stmts epilogue(TaskRange rows, Expr sums_row, TaskRange columns) {
    return for_rows(rows, sums_row, [&](Expr sums_at, const Substitution& with) {
      return s_.columns.runs(columns.low, columns.high,
                             [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                               return vector_loop(c_, u, low, high, s_.widths,
                                                  stores(joined(with, at), sums_at, s_.sub(flat, columns.low)));
                             });
    });
  }

  /// Of one tile, whose columns begin at `low`: by whole vectors where all of them are there.
  Stmts epilogue_of_tile(TaskRange rows, Expr sums_row, Expr sums_column, Expr low, Expr high) {
    const auto finish = [&](Expr count) {
      return for_rows(rows, sums_row, [&](Expr sums_at, Substitution with) {
        const LoopVar* u = c_.loop_var("u");
        Stmts body = s_.columns.at(s_.add(low, c_.loop(u)), with);
        append(body, stores(with, sums_at, s_.add(sums_column, c_.loop(u))));
        return vector_loop(c_, u, c_.i64(0), count, s_.widths, body);
      });
    };
    const Expr whole = c_.i64(t_.tile_columns()), rest = s_.sub(high, low);
    return {make_if(c_.binary(ExprOp::Le, whole, rest), finish(whole), finish(rest))};
  }

  template <class Body>
  Stmts for_rows(TaskRange rows, Expr sums_row, Body body_at) {
    const LoopVar* i = c_.loop_var("i");
    Substitution with = s_.outer;
    Stmts body;
    const Expr row = s_.rows.is_linear() ? c_.loop(i) : s_.bind("row", c_.loop(i), body);
    append(body, s_.rows.at(row, with));
    append(body, body_at(s_.add(sums_row, s_.sub(c_.loop(i), rows.low)), with));
    return {make_for(i, rows.low, rows.high, LoopKind::Serial, std::move(body))};
  }

  Stmts stores(Substitution with, Expr sums_row, Expr sums_column) {
    with.locals[k_.accumulator] = sums_.total(sums_row, sums_column);
    Stmts made;
    for (const StmtPtr& store : k_.epilogue)
      made.push_back(make_store(store->buffer, {s_.element(store->indices[0], with)}, s_.element(store->value, with)));
    return made;
  }

  ContractionScope& s_;
  LoopContext& c_;
  const Contraction& k_;
  const Tiling& t_;
  RowPanel rows_;
  ColumnPanel columns_;
  bool is_one_panel_;
  bool is_by_tiles_;  ///< the epilogue of each tile, else of a row of tiles
  JoinedSums sums_;
};

/// Whether rows and columns had better change places: vectors run along columns.
bool should_transpose(const Contraction& k, LoopContext& c, const ir::Facts& facts, int lanes) {
  const Dim rows = k.rows.extent(), columns = k.columns.extent();
  const bool few_columns = columns.is_constant() && columns.constant() < lanes;
  if (few_columns && (!rows.is_constant() || rows.constant() >= 2 * columns.constant())) return true;
  // The gradient of a convolution's window: short runs of columns, long runs of depth. As rows, whose panels lie along
  // the depth, they are copied by vectors; the other side is small.
  if (!rows.is_constant() || rows.constant() > 2 * lanes || k.columns.is_empty()) return false;
  const Dim run = k.columns.loops.back().extent;
  return run.is_constant() && run.constant() < 6 &&
         !GroupIndex(c, facts, k.depth, {&k.columns_operand, 1}).is_linear() &&
         contiguity(c, facts, k.columns_operand, k.depth) > 0;
}

}  // namespace

ContractionSchedule choose_contraction(Contraction k, LoopContext& c, const ir::Facts& facts, runtime::IsaLevel level,
                                       Variation& variation) {
  ContractionSchedule made;
  made.is_exchanged = should_transpose(k, c, facts, runtime::vector_lanes(k.accumulator->type.dtype, level));
  if (made.is_exchanged) k.transpose();
  made.tiling = choose_tiling(k, level, variation);
  const ContractionScope scope(k, c, facts, made.tiling);
  if (rows_lie_ready(scope) && variation.flip(in_place_rows_pay(scope))) made.rows = RowStorage::InPlace;
  return made;
}

Stmts write_contraction(Contraction k, const ContractionSchedule& schedule, LoopContext& c, const ir::Facts& facts,
                        std::vector<std::string>& notes) {
  if (schedule.is_exchanged) k.transpose();
  const DepthBlocks& blocks = k.blocks;
  if (blocks.kind != DepthBlocks::Kind::One && schedule.tiling.panel_depth % blocks.terms != 0)
    refuse_schedule(fmt::format("a panel of depth {} is no multiple of the {} terms of a block",
                                schedule.tiling.panel_depth, blocks.terms));
  if (blocks.kind == DepthBlocks::Kind::One && schedule.tiling.panel_depth < blocks.terms)
    refuse_schedule(
        fmt::format("a panel of depth {} cuts the one chain of {} terms", schedule.tiling.panel_depth, blocks.terms));
  ContractionScope scope(k, c, facts, schedule.tiling);
  if (schedule.rows == RowStorage::InPlace && !rows_lie_ready(scope))
    refuse_schedule("rows can't be read in place: they are computed, or not contiguous along the depth");
  return Writer(scope, schedule.rows, notes).write();
}

}  // namespace strata::compiler
