// Products with windows along columns: see write_product.h.
#include <algorithm>

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/product/plane.h"
#include "strata/compiler/loop/write/product/row_panel.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/product/writer.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class PlanePositions : public ProductWriter {
 public:
  PlanePositions(ProductScope& scope, const Windows& windows, const ColumnWindowTiling& sizes)
      : ProductWriter(scope, panels_of(windows, sizes), sums_of(scope, windows, sizes)),
        contraction_(scope.contraction),
        tiling_(scope.tiling),
        windows_(windows),
        sizes_(sizes),
        rows_(scope),
        plane_(scope, windows, scope.contraction.columns_operand, windows.free_depth, sizes.panel_free, sizes.lines,
               scope.tiling.tile_columns()),
        block_steps_(*free_steps_of_block(scope.contraction, windows)) {}

 private:
  static Panels panels_of(const Windows& windows, const ColumnWindowTiling& sizes) {
    const Dim free = windows.free_depth.extent();
    return free.is_constant() && free.constant() <= sizes.panel_free ? Panels::One : Panels::Many;
  }
  static JoinedSums sums_of(const ProductScope& scope, const Windows& windows, const ColumnWindowTiling& sizes) {
    const Tiling& tiling = scope.tiling;
    const bool is_one_panel = panels_of(windows, sizes) == Panels::One;
    const bool has_whole_blocks = is_one_panel || sizes.panel_free >= *free_steps_of_block(scope.contraction, windows);
    return {scope, has_whole_blocks ? JoinedSums::Cut::BetweenBlocks : JoinedSums::Cut::WithinBlocks,
            is_one_panel ? tiling.tile_rows : tiling.padded_task_rows(), tiling.task_columns};
  }

  std::vector<TaskAxis> task_axes() const override {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : outer_loops()) axes.push_back({loop.extent, 1});
    if (!axes.empty()) axes.back().piece = sizes_.images;
    axes.push_back({contraction_.rows.extent(), tiling_.task_rows});
    axes.push_back({windows_.axes[0].space.extent, sizes_.lines});
    return axes;
  }

  /// Outside of the windows: the batch, and columns in front of them. Of the innermost (the images) a task has several.
  std::vector<NestLoop> outer_loops() const {
    std::vector<NestLoop> loops = contraction_.batch.loops;
    loops.insert(loops.end(), windows_.free_loops.loops.begin(), windows_.free_loops.loops.end());
    return loops;
  }

  Stmts task(std::span<const TaskRange> ranges) override {
    Stmts stmts = plane_.alloc();
    stmts.push_back(rows_.alloc());
    stmts.push_back(sums_.alloc());
    const std::vector<NestLoop> outer = outer_loops();
    const LoopVar* image = c_.loop_var("image");
    for (size_t i = 0; i < outer.size(); ++i)
      scope_.outer.loops[outer[i].var] = i + 1 < outer.size() ? ranges[i].low : c_.loop(image);
    const TaskRange rows = ranges[ranges.size() - 2], lines = ranges[ranges.size() - 1];
    const bool are_rows_packed = is_one_panel() && sizes_.are_rows_shared && is_one_row_block(rows);
    if (are_rows_packed) append(stmts, pack_rows(rows, {c_.i64(0), free_end()}));
    Stmts body = are_rows_packed ? panel_of_packed_rows(rows, lines) : panels(rows, lines);
    if (!outer.empty())
      body = {make_for(image, ranges[outer.size() - 1].low, ranges[outer.size() - 1].high, LoopKind::Serial,
                       std::move(body))};
    append(stmts, body);
    return stmts;
  }

  Expr free_end() const { return c_.dim(windows_.free_depth.extent()); }

  Stmts panel_of_packed_rows(TaskRange rows, TaskRange lines) {
    const TaskRange free{c_.i64(0), free_end()};
    Stmts body = plane_.pack(free, lines);
    append(body, row_block(rows, rows, lines, free));
    return body;
  }

  /// The panels of depth of one image.
  Stmts panels(TaskRange rows, TaskRange lines) {
    const auto panel = [&](TaskRange free) {
      Stmts body = plane_.pack(free, lines);
      append(body, row_blocks(rows, [&](TaskRange block) {
               Stmts inner = pack_rows(block, free);
               append(inner, row_block(rows, block, lines, free));
               return inner;
             }));
      return body;
    };
    if (is_one_panel()) return panel({c_.i64(0), free_end()});
    return panels_loop("fb", free_end(), sizes_.panel_free, [&](Expr low) {
      Stmts body;
      const Expr high = scope_.bind("f_end", scope_.min(free_end(), scope_.add(low, c_.i64(sizes_.panel_free))), body);
      append(body, panel({low, high}));
      return body;
    });
  }

  Stmts pack_rows(TaskRange rows, TaskRange free) {
    const int64_t offsets = windows_.offset_count();
    return rows_.pack(rows, {scope_.mul(free.low, offsets), scope_.mul(free.high, offsets)});
  }

  Stmts row_block(TaskRange task_rows, TaskRange rows, TaskRange lines, TaskRange free) {
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    Stmts body;
    const RowTile row = row_tile(c_.loop(it), task_rows, rows, body);
    const Expr positions = scope_.mul(scope_.sub(lines.high, lines.low), plane_.strides()[0]);
    const int64_t between = plane_.strides()[0] - used_of_line();
    body.push_back(make_for(jt, c_.i64(0), column_tiles(scope_.sub(positions, c_.i64(between))), LoopKind::Serial,
                            tile_of_panel(c_.loop(it), c_.loop(jt), row, free)));
    Stmts finish = epilogue(row, lines);
    if (is_one_panel())
      append(body, finish);
    else
      body.push_back(make_if(c_.binary(ExprOp::Ge, free.high, free_end()), std::move(finish)));
    return {make_for(it, c_.i64(0), row_tiles(rows), LoopKind::Serial, std::move(body))};
  }

  /// Positions from a line's first to its last that is wanted, one more.
  int64_t used_of_line() const {
    int64_t last = 0;
    for (size_t i = 1; i < windows_.axes.size(); ++i) last += (windows_.axes[i].space_extent - 1) * plane_.strides()[i];
    return last + 1;
  }

  /// The blocks of the chain in the panel free.low..free.high, or the part of one that it is.
  Stmts tile_of_panel(Expr it, Expr jt, const RowTile& row, TaskRange free) {
    const Place place{row.sums_row, scope_.mul(jt, tiling_.tile_columns()), 0, tiling_.tile_rows};
    const auto tile = [&](const JoinedSums::Segment& segment, TaskRange steps) {
      return register_tile(place, segment,
                           [&](const Accumulators& sums) { return depth_loops(it, place.sums_column, sums, steps); });
    };
    const auto divided = [&](ExprOp op, Expr a) { return c_.binary(op, a, c_.i64(block_steps_)); };
    const TaskRange whole{c_.i64(0), scope_.sub(free.high, free.low)};
    if (contraction_.blocks.kind == DepthBlocks::Kind::One && is_one_panel()) return tile({c_.i64(0)}, whole);
    if (!is_one_panel() && sizes_.panel_free < block_steps_)
      return tile(sums_.part_of_block(free, block_steps_, free_end()), whole);
    if (!is_one_panel() && sizes_.panel_free == block_steps_) return tile({divided(ExprOp::FloorDiv, free.low)}, whole);
    const LoopVar* block = c_.loop_var("b");
    Stmts body;
    const Expr low = scope_.mul(c_.loop(block), block_steps_);
    const Expr high = scope_.min(free.high, scope_.add(low, c_.i64(block_steps_)));
    const Expr from = scope_.bind("b_begin", scope_.sub(low, free.low), body);
    const Expr to = scope_.bind("b_end", scope_.sub(high, free.low), body);
    append(body, tile({c_.loop(block)}, {from, to}));
    return {make_for(block, divided(ExprOp::FloorDiv, free.low), scope_.ceil_div(free.high, block_steps_),
                     LoopKind::Serial, std::move(body))};
  }

  /// The free loops, whose steps are counted from the panel's first, then the offsets' in their order: k ascends.
  Stmts depth_loops(Expr it, Expr position, const Accumulators& sums, TaskRange free) {
    const LoopVar* f = c_.loop_var("f");
    Substitution offsets;
    Expr k = c_.loop(f);
    std::vector<const LoopVar*> vars;
    for (const NestLoop& loop : windows_.offsets.loops) {
      vars.push_back(c_.loop_var("o"));
      offsets.loops[loop.var] = c_.loop(vars.back());
      k = scope_.add(scope_.mul(k, loop.extent.constant()), c_.loop(vars.back()));
    }
    const Expr at =
        scope_.add(scope_.add(scope_.mul(c_.loop(f), plane_.plane_elements()), position), plane_.shift(offsets));
    Stmts body = step(
        sums, [&](int64_t i) { return rows_.at(it, i, k); },
        [&](int64_t v) { return plane_.load_vector(scope_.add(at, c_.i64(v * tiling_.lanes))); });
    const LoopKind kind = offset_loops(windows_.offset_count(), sums.sums);
    for (size_t i = vars.size(); i-- > 0;)
      body = {make_for(vars[i], c_.i64(0), c_.dim(windows_.offsets.loops[i].extent), kind, std::move(body))};
    return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
  }

  Stmts epilogue(const RowTile& row, TaskRange lines) const {
    return for_rows(row, [&](Expr sums_row, Substitution with) {
      std::vector<const LoopVar*> at;
      Expr position = c_.i64(0);
      for (size_t a = 0; a < windows_.axes.size(); ++a) {
        at.push_back(c_.loop_var("p"));
        with.loops[windows_.axes[a].space.var] = c_.loop(at[a]);
        const Expr here = a == 0 ? scope_.sub(c_.loop(at[a]), lines.low) : c_.loop(at[a]);
        position = scope_.add(position, scope_.mul(here, plane_.strides()[a]));
      }
      const auto low = [&](size_t a) { return a == 0 ? lines.low : c_.i64(0); };
      const auto high = [&](size_t a) { return a == 0 ? lines.high : c_.i64(windows_.axes[a].space_extent); };
      const size_t inner = at.size() - 1;
      Stmts run = innermost_loop(c_, at[inner], low(inner), high(inner), scope_.widths,
                                 stores(with, sums_.total(sums_row, position)));
      for (size_t a = inner; a-- > 0;) run = {make_for(at[a], low(a), high(a), LoopKind::Serial, std::move(run))};
      return run;
    });
  }

  const Contraction& contraction_;
  const Tiling& tiling_;
  const Windows& windows_;
  const ColumnWindowTiling& sizes_;
  RowPanel rows_;
  WindowPlane plane_;
  int64_t block_steps_;  ///< of the free loops, in a block of the chain
};

}  // namespace

Stmts write_column_windows(Contraction contraction, const ColumnWindowSchedule& schedule, LoopContext& c,
                           const ir::Facts& facts) {
  if (schedule.is_exchanged) contraction.transpose();
  const Windows windows = require_windows(Side::Columns, contraction, c, facts);
  ProductScope scope(contraction, c, facts, schedule.tiling.tiling);
  return PlanePositions(scope, windows, schedule.tiling).write();
}

}  // namespace strata::compiler
