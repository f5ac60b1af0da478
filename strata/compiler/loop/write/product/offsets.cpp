// Products with windows along rows: see write_product.h.
#include <algorithm>

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/product/column_panel.h"
#include "strata/compiler/loop/write/product/plane.h"
#include "strata/compiler/loop/write/product/ready_columns.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/product/writer.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// What a step of the depth's free loops is made of: they are outside, and the panel of the columns is as deep as the
/// positions of the window.
Contraction step_of(const Contraction& whole, const Windows& windows) {
  Contraction step = whole;
  step.depth = windows.offsets;
  return step;
}

class WindowOffsets : public ProductWriter {
 public:
  /// `scope` is that of a step of the product of `whole`. `panels`: in which the columns lie; empty: they are packed.
  WindowOffsets(ProductScope& scope, ProductScope& whole, const Windows& windows, const RowWindowTiling& sizes,
                std::optional<ReadyPanels> panels)
      : ProductWriter(scope, Panels::Many, sums_of(scope, whole.contraction, windows, sizes)),
        whole_(whole),
        contraction_(scope.contraction),
        tiling_(scope.tiling),
        windows_(windows),
        sizes_(sizes),
        free_depth_(scope.context, scope.facts, windows.free_depth, operands(whole.contraction)),
        free_rows_(scope.context, scope.facts, windows.free_loops, {&whole.contraction.rows_operand, 1}),
        columns_(scope),
        plane_(scope, windows, whole.contraction.rows_operand, windows.free_depth, sizes.task_free * sizes.panel_free,
               windows.axes[0].space_extent, 0),
        shifts_(shifts()),
        block_steps_(steps_of_block(whole.contraction, windows)) {
    if (panels) ready_.emplace(whole, *std::move(panels));
  }

 private:
  static std::vector<Expr> operands(const Contraction& k) { return {k.rows_operand, k.columns_operand}; }
  static int64_t steps_of_block(const Contraction& whole, const Windows& windows) {
    return free_steps_of_block(whole, windows).value_or(1);
  }
  static bool is_one_panel(const Windows& windows, const RowWindowTiling& sizes) {
    const Dim free = windows.free_depth.extent();
    return free.is_constant() && free.constant() <= sizes.panel_free;
  }
  static JoinedSums sums_of(const ProductScope& scope, const Contraction& whole, const Windows& windows,
                            const RowWindowTiling& sizes) {
    const bool has_whole_blocks = is_one_panel(windows, sizes) || sizes.panel_free >= steps_of_block(whole, windows);
    return {scope, has_whole_blocks ? JoinedSums::Cut::BetweenBlocks : JoinedSums::Cut::WithinBlocks,
            sizes.task_free * windows.positions(), scope.tiling.task_columns + scope.tiling.slack()};
  }

  /// The shift of each offset of a window, in the order of the rows.
  std::vector<int64_t> shifts() const {
    std::vector<int64_t> all{0};
    for (size_t a = 0; a < windows_.axes.size(); ++a) {
      std::vector<int64_t> next;
      for (int64_t shift : all)
        for (int64_t i = 0; i < windows_.axes[a].space_extent; ++i) next.push_back(shift + i * plane_.strides()[a]);
      all = std::move(next);
    }
    return all;
  }

  int64_t offset_count() const { return windows_.positions(); }  ///< rows of a window
  int64_t position_count() const { return windows_.offset_count(); }
  /// First offset of a piece: the pieces are about as long.
  int64_t piece_begin(int64_t piece) const { return offset_count() * piece / sizes_.pieces; }

  std::vector<TaskAxis> task_axes() const override {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : contraction_.batch.loops) axes.push_back({loop.extent, 1});
    axes.push_back({windows_.free_loops.extent(), sizes_.task_free});
    axes.push_back({sizes_.pieces, sizes_.task_pieces});
    axes.push_back({contraction_.columns.extent(), tiling_.task_columns});
    return axes;
  }

  Stmts task(std::span<const TaskRange> ranges) override {
    Stmts stmts = plane_.alloc();
    if (!ready_) append(stmts, columns_.alloc());
    stmts.push_back(sums_.alloc());
    const auto& batch = contraction_.batch.loops;
    for (size_t i = 0; i < batch.size(); ++i) scope_.outer.loops[batch[i].var] = ranges[i].low;
    whole_.outer = scope_.outer;
    const size_t n = ranges.size();
    const TaskRange free = ranges[n - 3], pieces = ranges[n - 2], columns = ranges[n - 1];
    const Expr end = c_.dim(windows_.free_depth.extent());
    // A depth of nothing: sums that start and end there.
    if (is_one_panel(windows_, sizes_))
      append(stmts, panel(free, pieces, columns, {c_.i64(0), end}));
    else
      append(stmts, panels_loop("fb", end, sizes_.panel_free, [&](Expr low) {
               Stmts body;
               const Expr high =
                   scope_.bind("f_end", scope_.min(end, scope_.add(low, c_.i64(sizes_.panel_free))), body);
               append(body, panel(free, pieces, columns, {low, high}));
               return body;
             }));
    append(stmts, ends_along_rows() ? epilogue_along_rows(free, columns) : epilogue(free, pieces, columns));
    return stmts;
  }

  /// Steps steps.low..steps.high of the depth's free loops.
  Stmts panel(TaskRange free, TaskRange pieces, TaskRange columns, TaskRange steps) {
    const LoopVar* filled = c_.loop_var("f");
    const Substitution outside = scope_.outer;
    const Expr tile_count = column_tiles(scope_.sub(columns.high, columns.low));
    Stmts made = ready_ ? Stmts{} : pack_columns(columns, steps, tile_count);
    Stmts planes = free_rows_.at(c_.loop(filled), scope_.outer);
    append(planes, plane_.pack(steps, {c_.i64(0), c_.i64(windows_.axes[0].space_extent)},
                               scope_.mul(scope_.sub(c_.loop(filled), free.low), sizes_.panel_free)));
    scope_.outer = outside;
    const LoopVar *f = c_.loop_var("f"), *jt = c_.loop_var("jt");
    const TileColumns tile{c_.loop(jt), columns.low, scope_.mul(steps.low, position_count())};
    Stmts tiles = for_pieces(
        pieces, [&](int64_t piece) { return tile_of_panel(scope_.sub(c_.loop(f), free.low), piece, tile, steps); });
    tiles = {make_for(f, free.low, free.high, LoopKind::Serial, std::move(tiles))};
    made.push_back(make_for(filled, free.low, free.high, LoopKind::Serial, std::move(planes)));
    made.push_back(make_for(jt, c_.i64(0), tile_count, LoopKind::Serial, std::move(tiles)));
    return made;
  }

  Stmts pack_columns(TaskRange columns, TaskRange steps, Expr tile_count) {
    const LoopVar *d = c_.loop_var("d"), *packed = c_.loop_var("jt");
    const Substitution outside = scope_.outer;
    Stmts of_step = free_depth_.at(c_.loop(d), scope_.outer);
    const TaskRange positions{c_.i64(0), c_.i64(position_count())};
    const Expr before = scope_.mul(scope_.sub(c_.loop(d), steps.low), position_count());
    const bool is_tile_by_tile = columns_.is_tile_by_tile();
    append(of_step, is_tile_by_tile ? columns_.pack_one(c_.loop(packed), columns, positions, before)
                                    : columns_.pack(columns, positions, before));
    scope_.outer = outside;
    Stmts made{make_for(d, steps.low, steps.high, LoopKind::Serial, std::move(of_step))};
    if (is_tile_by_tile) made = {make_for(packed, c_.i64(0), tile_count, LoopKind::Serial, std::move(made))};
    return made;
  }

  /// A tile of the columns: its number in the task, whose first column this is, and the k at which the panel of depth
  /// begins.
  struct TileColumns {
    Expr number, first_column, origin;
  };

  template <class Body>
  Stmts for_pieces(TaskRange pieces, Body body) const {
    Stmts all;
    for (int64_t piece = 0; piece < sizes_.pieces; ++piece) {
      if (sizes_.task_pieces == sizes_.pieces)
        append(all, body(piece));
      else
        all.push_back(make_if(c_.binary(ExprOp::Eq, pieces.low, c_.i64(piece)), body(piece)));
    }
    return all;
  }

  /// The blocks of the chain in a panel, or the part of one that it is.
  Stmts tile_of_panel(Expr free, int64_t piece, const TileColumns& columns, TaskRange panel) {
    const DepthBlocks& blocks = contraction_.blocks;
    const auto steps_of = [&](Expr low, Expr high) {
      return TaskRange{scope_.sub(low, panel.low), scope_.sub(high, panel.low)};
    };
    if (blocks.kind == DepthBlocks::Kind::Pieces) {
      const LoopVar *d = c_.loop_var("d"), *cut = c_.loop_var("cut");
      const Expr cuts = c_.dim(blocks.pieces_per_step), low = scope_.mul(c_.loop(cut), blocks.terms);
      const Expr number = scope_.add(c_.binary(ExprOp::Mul, c_.loop(d), cuts), c_.loop(cut));
      const TaskRange range{low, scope_.min(c_.i64(position_count()), scope_.add(low, c_.i64(blocks.terms)))};
      Stmts body =
          tile(free, piece, columns, {number}, steps_of(c_.loop(d), scope_.add(c_.loop(d), c_.i64(1))), &range);
      body = {make_for(cut, c_.i64(0), cuts, LoopKind::Serial, std::move(body))};
      return {make_for(d, panel.low, panel.high, LoopKind::Serial, std::move(body))};
    }
    const Expr end = c_.dim(windows_.free_depth.extent());
    if (!is_one_panel(windows_, sizes_) && sizes_.panel_free < block_steps_)
      return tile(free, piece, columns, sums_.part_of_block(panel, block_steps_, end), steps_of(panel.low, panel.high));
    const LoopVar* block = c_.loop_var("b");
    Stmts body;
    const Expr low = scope_.mul(c_.loop(block), block_steps_);
    const TaskRange steps = steps_of(low, scope_.min(panel.high, scope_.add(low, c_.i64(block_steps_))));
    const Expr from = scope_.bind("b_begin", steps.low, body), to = scope_.bind("b_end", steps.high, body);
    append(body, tile(free, piece, columns, {c_.loop(block)}, {from, to}));
    return {make_for(block, c_.binary(ExprOp::FloorDiv, panel.low, c_.i64(block_steps_)),
                     scope_.ceil_div(panel.high, block_steps_), LoopKind::Serial, std::move(body))};
  }

  /// `steps` are counted from the panel's first; `range` of the positions; null: all.
  Stmts tile(Expr free, int64_t piece, const TileColumns& columns, const JoinedSums::Segment& segment, TaskRange steps,
             const TaskRange* range = nullptr) {
    const Place place{scope_.mul(free, offset_count()), scope_.mul(columns.number, tiling_.tile_columns()),
                      piece_begin(piece), piece_begin(piece + 1)};
    const LoopVar* s = c_.loop_var("s");
    const Expr plane = scope_.mul(scope_.add(scope_.mul(free, sizes_.panel_free), c_.loop(s)), plane_.plane_elements());
    return register_tile(place, segment, [&](const Accumulators& sums) -> Stmts {
      Stmts body;
      ReadyColumns::Firsts first;
      ReadyColumns::VectorAt ready;
      if (ready_) first = ready_->firsts(columns.number, columns.first_column, columns.origin, body);
      if (ready_) ready = ready_->vectors(first, columns.origin);
      const auto column_at = [&](int64_t v, Expr k) {
        return ready ? ready(static_cast<size_t>(v), k) : columns_.at(columns.number, v, k);
      };
      const auto terms = [&](const Substitution& offsets, Expr position) {
        const Expr at = scope_.add(plane, plane_.shift(offsets));
        const Expr k = scope_.add(scope_.mul(c_.loop(s), position_count()), position);
        return step(
            sums, [&](int64_t i) { return plane_.load(scope_.add(at, c_.i64(shifts_[i]))); },
            [&](int64_t v) { return column_at(v, k); });
      };
      Stmts of_step = ready_ && !range ? next_columns(first, piece, c_.loop(s)) : Stmts{};
      append(of_step, range ? positions_in(*range, terms) : all_positions(terms, sums));
      body.push_back(make_for(s, steps.low, steps.high, LoopKind::Serial, std::move(of_step)));
      return body;
    });
  }

  /// The part of the next tile of columns that is fetched at step `s` of this piece: the pieces share it.
  Stmts next_columns(const ReadyColumns::Firsts& first, int64_t piece, Expr s) const {
    if (sizes_.task_pieces != sizes_.pieces || !ready_->come_from_memory()) return {};
    const int64_t lines = ceil_div(position_count(), sizes_.pieces);
    Stmts made;
    for (int64_t line = 0; line < lines; ++line)
      append(made, ready_->prefetches(
                       first, scope_.add(scope_.mul(s, lines), c_.i64(piece * sizes_.panel_free * lines + line))));
    return made;
  }

  using Terms = std::function<Stmts(const Substitution& offsets, Expr position)>;

  Stmts positions_in(TaskRange range, const Terms& terms) const {
    Substitution same;
    for (const NestLoop& loop : windows_.offsets.loops) same.loops[loop.var] = c_.loop(loop.var);
    const Expr shift = plane_.shift(same);
    const GroupIndex positions(c_, scope_.facts, windows_.offsets, {&shift, 1});
    return positions.runs(range.low, range.high,
                          [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) -> Stmts {
                            return {make_for(u, low, high, LoopKind::Serial, terms(at, flat))};
                          });
  }

  Stmts all_positions(const Terms& terms, const Accumulators& sums) const {
    Substitution at;
    Expr flat = c_.i64(0);
    std::vector<const LoopVar*> vars;
    for (const NestLoop& loop : windows_.offsets.loops) {
      vars.push_back(c_.loop_var("o"));
      at.loops[loop.var] = c_.loop(vars.back());
      flat = scope_.add(scope_.mul(flat, loop.extent.constant()), c_.loop(vars.back()));
    }
    Stmts body = terms(at, flat);
    const LoopKind kind = offset_loops(position_count(), sums.sums);
    for (size_t i = vars.size(); i-- > 0;)
      body = {make_for(vars[i], c_.i64(0), c_.dim(windows_.offsets.loops[i].extent), kind, std::move(body))};
    return body;
  }

  /// Whether a task has all of a window's positions, so that its rows are neighbours, and so are their results.
  bool ends_along_rows() const { return sizes_.task_pieces == sizes_.pieces && results_run_along_rows(whole_); }

  Stmts epilogue_along_rows(TaskRange free, TaskRange columns) const {
    const LoopVar *i = c_.loop_var("i"), *u = c_.loop_var("u");
    const Expr low = scope_.mul(free.low, offset_count()), high = scope_.mul(free.high, offset_count());
    Substitution with = scope_.outer;
    Stmts body = whole_.stored_columns.at(c_.loop(u), with);
    append(body, whole_.stored_rows.at(c_.loop(i), with));
    append(body, stores(with, total(scope_.sub(c_.loop(i), low), scope_.sub(c_.loop(u), columns.low))));
    return {make_for(u, columns.low, columns.high, LoopKind::Serial,
                     innermost_loop(c_, i, low, high, scope_.widths, body))};
  }

  /// The start of the sum where there is nothing to sum up.
  Expr total(Expr row, Expr column) const {
    const Expr sum = sums_.total(row, column);
    const Dim depth = windows_.free_depth.extent();
    if (depth.is_constant() && depth.constant() > 0) return sum;
    return c_.select(c_.binary(ExprOp::Eq, c_.dim(depth), c_.i64(0)), contraction_.start, sum);
  }

  Stmts epilogue(TaskRange free, TaskRange pieces, TaskRange columns) {
    const LoopVar* f = c_.loop_var("f");
    Substitution with = scope_.outer;
    Stmts body = free_rows_.at(c_.loop(f), with);
    append(body, for_pieces(pieces, [&](int64_t piece) {
             Stmts rows;
             const LoopVar* i = c_.loop_var("i");
             Expr rest = c_.loop(i);
             Substitution at_row = with;
             for (size_t a = windows_.axes.size(); a-- > 0;) {
               const Expr extent = c_.i64(windows_.axes[a].space_extent);
               at_row.loops[windows_.axes[a].space.var] =
                   scope_.bind("at", a == 0 ? rest : c_.binary(ExprOp::FloorMod, rest, extent), rows);
               rest = c_.binary(ExprOp::FloorDiv, rest, extent);
             }
             const Expr row = scope_.add(scope_.mul(scope_.sub(c_.loop(f), free.low), offset_count()), c_.loop(i));
             append(rows, epilogue_row(row, columns, at_row));
             return Stmts{make_for(i, c_.i64(piece_begin(piece)), c_.i64(piece_begin(piece + 1)), LoopKind::Serial,
                                   std::move(rows))};
           }));
    return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
  }

  Stmts epilogue_row(Expr row, TaskRange columns, const Substitution& with) const {
    return scope_.columns.runs(columns.low, columns.high,
                               [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                                 const Expr sum = total(row, scope_.sub(flat, columns.low));
                                 return innermost_loop(c_, u, low, high, scope_.widths, stores(joined(with, at), sum));
                               });
  }

  ProductScope& whole_;
  const Contraction& contraction_;
  const Tiling& tiling_;
  const Windows& windows_;
  const RowWindowTiling& sizes_;
  GroupIndex free_depth_, free_rows_;
  ColumnPanel columns_;
  std::optional<ReadyColumns> ready_;  ///< the whole product's columns
  WindowPlane plane_;
  std::vector<int64_t> shifts_;  ///< of each offset of a window
  int64_t block_steps_;          ///< of the free loops, in a block of the chain
};

}  // namespace

Stmts write_row_windows(Contraction contraction, const RowWindowSchedule& schedule, LoopContext& c,
                        const ir::Facts& facts) {
  if (schedule.is_exchanged) contraction.transpose();
  const Windows windows = require_windows(Side::Rows, contraction, c, facts);
  const Contraction step = step_of(contraction, windows);
  const Tiling& tiling = schedule.tiling.tiling;
  ProductScope scope(step, c, facts, tiling, schedule.columns);
  ProductScope whole(contraction, c, facts, tiling, schedule.columns);
  std::optional<ReadyPanels> panels;
  if (schedule.columns == ColumnStorage::InPlace) panels = require_panels(contraction, tiling, c, facts);
  if (panels && !panels->is_linear())
    refuse_schedule("columns that are decoded block by block are not read window by window");
  return WindowOffsets(scope, whole, windows, schedule.tiling, std::move(panels)).write();
}

}  // namespace strata::compiler
