// Products with both operands packed, or read where they lie: see write_product.h.
#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/nest/operands.h"
#include "strata/compiler/loop/nest/panels.h"
#include "strata/compiler/loop/nest/rows_behind.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/product/column_panel.h"
#include "strata/compiler/loop/write/product/epilogue_lines.h"
#include "strata/compiler/loop/write/product/ready_columns.h"
#include "strata/compiler/loop/write/product/row_panel.h"
#include "strata/compiler/loop/write/product/rows_behind.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/product/writer.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class PackedProduct : public ProductWriter {
 public:
  /// `ready`: the panels in which the columns lie already; empty: they are packed.
  PackedProduct(ProductScope& scope, const ContractionSchedule& schedule, std::optional<ReadyPanels> ready,
                std::vector<std::string>& notes)
      : ProductWriter(scope, panels_of(scope), sums_of(scope)),
        contraction_(scope.contraction),
        tiling_(scope.tiling),
        rows_(scope, schedule.rows),
        lines_(scope),
        is_in_place_(schedule.columns == ColumnStorage::InPlace),
        is_by_tiles_(is_by_tiles(scope)),
        makes_by_tiles_(schedule.columns != ColumnStorage::InPlace && is_by_tiles_ &&
                        tiling_.task_rows <= tiling_.row_block && !packs_line_by_line(scope, schedule.columns)),
        columns_(scope, schedule.columns,
                 makes_by_tiles_ ? ColumnPanel::Holds::OneTile : ColumnPanel::Holds::TilesOfTask) {
    if (ready) ready_.emplace(scope, std::move(*ready));
    notes.push_back(rows_.note());
    notes.push_back(!ready_        ? columns_.note()
                    : is_in_place_ ? "columns read in place, " + ready_->note()
                                   : std::string("columns unpacked as ") +
                                         (makes_by_tiles_ ? "[k][column], tile by tile" : "[tile][k][column]") +
                                         "; they lie " + ready_->note());
    notes.push_back(is_one_panel() ? (is_by_tiles_ ? "sums stay in one tile" : "sums stay in one row of tiles")
                                   : "sums of panels of depth wait for the next");
    if (contraction_.blocks.kind != DepthBlocks::Kind::One)
      notes.push_back(fmt::format("chains of at most {} terms, joined by a tree", contraction_.blocks.terms));
    notes.push_back("epilogue at the last panel of depth");
    if (contraction_.behind) notes.push_back("rows are reduced behind it, where a task has made them");
  }

 private:
  static Panels panels_of(const ProductScope& scope) {
    const Dim depth = scope.contraction.depth.extent();
    return depth.is_constant() && depth.constant() <= scope.tiling.panel_depth ? Panels::One : Panels::Many;
  }
  /// A tile of columns stays in the first cache while all rows pass it; results whose runs cross tiles need a whole row
  /// of them.
  static bool is_by_tiles(const ProductScope& scope) { return scope.stored_columns.is_linear(); }
  static JoinedSums sums_of(const ProductScope& scope) {
    const Tiling& tiling = scope.tiling;
    const bool is_one_panel = panels_of(scope) == Panels::One;
    return {scope, JoinedSums::Cut::BetweenBlocks, is_one_panel ? tiling.tile_rows : tiling.padded_task_rows(),
            is_one_panel && is_by_tiles(scope) ? tiling.tile_columns() : tiling.task_columns + tiling.slack()};
  }

  std::vector<TaskAxis> task_axes() const override {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : contraction_.batch.loops) axes.push_back({loop.extent, 1});
    axes.push_back({contraction_.rows.extent(), tiling_.task_rows, tiling_.tile_rows});
    axes.push_back({contraction_.columns.extent(), tiling_.task_columns, tiling_.tile_columns()});
    return axes;
  }

  /// Blocks of depth in a panel.
  int64_t panel_blocks() const {
    const DepthBlocks& blocks = contraction_.blocks;
    return blocks.kind == DepthBlocks::Kind::Even ? std::max<int64_t>(1, tiling_.panel_depth / blocks.terms) : 1;
  }

  /// What of the depth is packed at once: whole blocks; and the task's first column.
  struct Panel {
    TaskRange blocks, depth;
    Expr first_column = nullptr;
  };

  Stmts task(std::span<const TaskRange> ranges) override {
    Stmts stmts{rows_.alloc(), sums_.alloc()};
    if (!is_in_place_) append(stmts, columns_.alloc());
    const auto& batch = contraction_.batch.loops;
    for (size_t i = 0; i < batch.size(); ++i) scope_.outer.loops[batch[i].var] = ranges[i].low;
    const TaskRange rows = ranges[ranges.size() - 2], columns = ranges[ranges.size() - 1];
    const Expr count = c_.dim(contraction_.blocks.count);
    if (is_one_panel()) {
      // A depth of nothing is a block of nothing: its sums are begun and stored as any other's.
      const Expr last = c_.binary(ExprOp::Max, count, c_.i64(1));
      append(stmts, panel(rows, columns, {{c_.i64(0), last}, {c_.i64(0), c_.dim(contraction_.depth.extent())}}));
      if (contraction_.behind) append(stmts, rows_behind(scope_, rows, columns));
      return stmts;
    }
    append(stmts, panels_loop("kb", count, panel_blocks(), [&](Expr low) {
             Stmts body;
             const Expr one = c_.i64(1);
             const Expr end = scope_.min(count, scope_.add(low, c_.i64(panel_blocks())));
             const Expr high = scope_.bind("kb_end", c_.binary(ExprOp::Max, end, scope_.add(low, one)), body);
             const Expr from = scope_.bind("k_begin", scope_.block_range(low).low, body);
             const Expr to = scope_.bind("k_end", scope_.block_range(scope_.sub(high, one)).high, body);
             append(body, panel(rows, columns, {{low, high}, {from, to}}));
             return body;
           }));
    if (contraction_.behind) append(stmts, rows_behind(scope_, rows, columns));
    return stmts;
  }

  Stmts panel(TaskRange rows, TaskRange columns, Panel panel) {
    panel.first_column = columns.low;
    Stmts stmts = is_in_place_ || makes_by_tiles_ ? Stmts{}
                  : ready_                        ? columns_.unpack(*ready_, columns, panel.depth)
                                                  : columns_.pack(columns, panel.depth);
    append(stmts, is_one_row_block(rows)
                      ? row_block(rows, rows, columns, panel)
                      : row_blocks(rows, [&](TaskRange block) { return row_block(rows, block, columns, panel); }));
    return stmts;
  }

  Stmts row_block(TaskRange task_rows, TaskRange rows, TaskRange columns, Panel panel) {
    Stmts stmts = rows_.pack(rows, panel.depth);
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    const Expr column_tile_count = column_tiles(scope_.sub(columns.high, columns.low));
    Stmts body;
    const RowTile row = row_tile(c_.loop(it), task_rows, rows, body);
    const Expr column = scope_.mul(c_.loop(jt), tiling_.tile_columns());
    const Expr sums_column = is_one_panel() && is_by_tiles_ ? c_.i64(0) : column;
    Stmts tile = tile_of_rows(c_.loop(it), c_.loop(jt), {row.sums_row, sums_column, 0, tiling_.tile_rows}, row.rows.low,
                              rows.high, panel);
    if (is_by_tiles_) {
      const Expr low = scope_.add(columns.low, column);
      if (!lines_.is_empty()) append(body, at_last_panel(panel, lines_.prefetches(row.rows.low, low)));
      append(body, tile);
      append(body, at_last_panel(panel, epilogue_of_tile(row, sums_column, low, columns)));
      Stmts of_columns;
      if (makes_by_tiles_)
        of_columns = ready_ ? columns_.unpack_one(*ready_, c_.loop(jt), columns, panel.depth, only_row_tile())
                            : columns_.pack_one(c_.loop(jt), columns, panel.depth);
      of_columns.push_back(make_for(it, c_.i64(0), row_tiles(rows), LoopKind::Serial, std::move(body)));
      stmts.push_back(make_for(jt, c_.i64(0), column_tile_count, LoopKind::Serial, std::move(of_columns)));
      return stmts;
    }
    body.push_back(make_for(jt, c_.i64(0), column_tile_count, LoopKind::Serial, std::move(tile)));
    append(body, at_last_panel(panel, epilogue(row, columns)));
    stmts.push_back(make_for(it, c_.i64(0), row_tiles(rows), LoopKind::Serial, std::move(body)));
    return stmts;
  }

  /// One tile, whose rows begin at `first`: they come from the panel, or from the operand where they are read in place.
  Stmts tile_of_rows(Expr it, Expr jt, const Place& place, Expr first, Expr rows_end, Panel panel) {
    const auto of_panel = [&](int64_t i, Expr k) { return rows_.at(rows_.is_in_place() ? c_.i64(0) : it, i, k); };
    Stmts tile = tile_of_panel(of_panel, it, jt, place, panel);
    if (!rows_.is_in_place()) return tile;
    const auto of_operand = [&](int64_t i, Expr k) {
      return rows_.in_place(scope_.add(first, c_.i64(i)), scope_.add(panel.depth.low, k));
    };
    const Expr is_whole = c_.binary(ExprOp::Le, scope_.add(first, c_.i64(tiling_.tile_rows)), rows_end);
    return {make_if(is_whole, tile_of_panel(of_operand, it, jt, place, panel), std::move(tile))};
  }

  using RowAt = std::function<Expr(int64_t, Expr)>;  ///< of row i of a tile, at k counted from the panel's first

  Stmts tile_of_panel(const RowAt& row_at, Expr it, Expr jt, const Place& place, Panel panel) {
    const auto tile = [&](Expr block, TaskRange depth) {
      return register_tile(place, {block}, [&](const Accumulators& accumulators) -> Stmts {
        const auto step_at = [&](Expr at, const ReadyColumns::ColumnAt& column_at) {
          return step(
              accumulators, [&](int64_t i) { return row_at(i, at); },
              [&](int64_t v) { return column_at(static_cast<size_t>(v)); });
        };
        if (is_in_place_)
          return ready_->steps(jt, panel.first_column, panel.depth.low, depth, step_at, row_tile_of(it));
        const LoopVar* k = c_.loop_var("k");
        const Expr at = c_.loop(k);
        const auto column_at = [&](size_t v) { return columns_.at(jt, static_cast<int64_t>(v), at); };
        const auto fetch = [&](Expr of_next) {
          const Expr first =
              scope_.add(panel.first_column, scope_.mul(scope_.add(jt, c_.i64(1)), tiling_.tile_columns()));
          Stmts made;
          for (int g = 0; g < contraction_.group; ++g)
            append(made, columns_.prefetches(
                             first, scope_.add(panel.depth.low,
                                               scope_.add(scope_.mul(of_next, contraction_.group), c_.i64(g)))));
          return made;
        };
        const bool fetches = makes_by_tiles_ && !ready_ && columns_.come_from_memory();
        return steps_that_fetch(scope_, fetches ? row_tiles_of(it) : RowTileOf{}, k, groups_before(depth.low),
                                groups_before(depth.high), step_at(at, column_at), fetch);
      });
    };
    if (contraction_.blocks.kind == DepthBlocks::Kind::One || panel_blocks() == 1)
      return tile(panel.blocks.low, {c_.i64(0), scope_.sub(panel.depth.high, panel.depth.low)});
    const LoopVar* block = c_.loop_var("b");
    Stmts body;
    const TaskRange range = scope_.block_range(c_.loop(block));
    const Expr from = scope_.bind("b_begin", scope_.sub(range.low, panel.depth.low), body),
               to = scope_.bind("b_end", scope_.sub(range.high, panel.depth.low), body);
    append(body, tile(c_.loop(block), {from, to}));
    return {make_for(block, panel.blocks.low, panel.blocks.high, LoopKind::Serial, std::move(body))};
  }

  bool has_few_rows() const {
    constexpr int64_t kFewRows = 16;
    return tiling_.task_rows <= kFewRows;
  }
  /// Columns of few rows come from memory, not from a cache; so do those of many rows at first.
  RowTileOf row_tile_of(Expr it) const {
    return has_few_rows() || ready_->come_from_memory() ? row_tiles_of(it) : RowTileOf{};
  }
  RowTileOf row_tiles_of(Expr it) const {
    return {it, ceil_div(std::min(tiling_.task_rows, tiling_.row_block), tiling_.tile_rows)};
  }
  /// Of what is unpacked for all of them.
  RowTileOf only_row_tile() const {
    if (!has_few_rows()) return {};
    return {c_.i64(0), 1};
  }

  /// Groups of the depth that begin before k; blocks begin between groups.
  Expr groups_before(Expr k) const { return contraction_.group == 1 ? k : scope_.ceil_div(k, contraction_.group); }

  Stmts at_last_panel(Panel panel, Stmts finish) const {
    if (is_one_panel()) return finish;
    return {make_if(c_.binary(ExprOp::Ge, panel.blocks.high, c_.dim(contraction_.blocks.count)), std::move(finish))};
  }

  /// Of a row of tiles, along the runs of the columns.
  Stmts epilogue(const RowTile& row, TaskRange columns) const {
    return for_rows(row, [&](Expr sums_at, const Substitution& with) {
      return scope_.columns.runs(
          columns.low, columns.high, [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
            return innermost_loop(c_, u, low, high, scope_.widths,
                                  stores(joined(with, at), sums_.total(sums_at, scope_.sub(flat, columns.low))));
          });
    });
  }

  const Contraction& contraction_;
  const Tiling& tiling_;
  RowPanel rows_;
  EpilogueLines lines_;
  std::optional<ReadyColumns> ready_;
  bool is_in_place_;     ///< read by the register tiles from `ready_`
  bool is_by_tiles_;     ///< the epilogue of each tile, else of a row of tiles
  bool makes_by_tiles_;  ///< each tile of columns before the rows pass it: all rows of a task are one block
  ColumnPanel columns_;
};

Contraction grouped(const Contraction& contraction, const ContractionSchedule& schedule, LoopContext& c) {
  auto made = in_groups(contraction, schedule.group, c);
  const auto name = [](Expr e) { return type_name(e->op == ExprOp::Cast ? e->args[0]->type : e->type); };
  if (!made) {
    Contraction in_one_block = contraction;
    in_one_block.blocks.kind = DepthBlocks::Kind::One;
    if (in_groups(in_one_block, schedule.group, c))
      refuse_schedule(fmt::format("blocks of {} terms cut groups of {}", contraction.blocks.terms, schedule.group));
    refuse_schedule(fmt::format("there is no dot product of {} terms for {} by {} into {}", schedule.group,
                                name(contraction.rows_operand), name(contraction.columns_operand),
                                type_name(contraction.accumulator->type)));
  }
  if (schedule.rows == RowStorage::InPlace) refuse_schedule("rows of groups of the depth are packed: `pack rows`");
  if (schedule.tiling.panel_depth % schedule.group != 0)
    refuse_schedule(fmt::format("a panel of depth {} cuts groups of {}", schedule.tiling.panel_depth, schedule.group));
  // Sums of integers are exact in any order: a panel is one chain.
  if (!made->is_float) made->cut_depth(schedule.tiling.panel_depth);
  return *made;
}

}  // namespace

Stmts write_contraction(Contraction contraction, const ContractionSchedule& schedule, LoopContext& c,
                        const ir::Facts& facts, std::vector<std::string>& notes) {
  if (schedule.are_images_apart) contraction.take_images_apart();
  if (schedule.is_exchanged) contraction.transpose();
  if (schedule.group > 1) contraction = grouped(contraction, schedule, c);
  const DepthBlocks& blocks = contraction.blocks;
  const int64_t panel_depth = schedule.tiling.panel_depth;
  if (blocks.kind != DepthBlocks::Kind::One && panel_depth % blocks.terms != 0)
    refuse_schedule(
        fmt::format("a panel of depth {} is no multiple of the {} terms of a block", panel_depth, blocks.terms));
  if (blocks.kind == DepthBlocks::Kind::One && panel_depth < blocks.terms)
    refuse_schedule(fmt::format("a panel of depth {} cuts the one chain of {} terms", panel_depth, blocks.terms));
  if (schedule.rows == RowStorage::InPlace && !distance_of_ready_rows(contraction, c, facts))
    refuse_schedule("rows can't be read in place: they are computed, or not contiguous along the depth");
  std::optional<ReadyPanels> ready;
  if (schedule.columns != ColumnStorage::Packed) ready = require_panels(contraction, schedule.tiling, c, facts);
  if (contraction.behind) require_whole_rows(schedule.tiling, contraction, whole_rows(contraction, c, facts));
  ProductScope scope(contraction, c, facts, schedule.tiling, schedule.columns);
  return PackedProduct(scope, schedule, std::move(ready), notes).write();
}

}  // namespace strata::compiler
