// Products whose vectors run along the batch: see write_product.h.
#include <algorithm>

#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/product/lane_plane.h"
#include "strata/compiler/loop/write/product/write_product.h"
#include "strata/compiler/loop/write/product/writer.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class BatchLanes : public ProductWriter {
 public:
  BatchLanes(ProductScope& scope, const Windows& windows, const LaneTiling& sizes)
      : ProductWriter(scope, Panels::Many, sums_of(scope, windows, sizes)),
        contraction_(scope.contraction),
        windows_(windows),
        sizes_(sizes),
        lane_(contraction_.batch.loops.back()),
        free_depth_(scope.context, scope.facts, windows.free_depth, operands(contraction_)),
        rows_(scope, "rows", contraction_.rows_operand, contraction_.rows, scope.tiling.task_rows,
              axes_of_depth(windows), lane_),
        plane_(scope, "plane", contraction_.columns_operand, {}, 1, axes_of_windows(windows, sizes), lane_),
        block_steps_(free_steps_of_block(contraction_, windows).value_or(1)) {}

 private:
  static std::vector<Expr> operands(const Contraction& k) { return {k.rows_operand, k.columns_operand}; }
  static std::vector<LanePlane::Axis> axes_of_depth(const Windows& windows) {
    std::vector<LanePlane::Axis> axes;
    for (const NestLoop& loop : windows.offsets.loops) axes.push_back(LanePlane::along_depth(loop));
    return axes;
  }
  static std::vector<LanePlane::Axis> axes_of_windows(const Windows& windows, const LaneTiling& sizes) {
    std::vector<LanePlane::Axis> axes;
    for (const WindowAxis& axis : windows.axes)
      axes.push_back(LanePlane::along_window(axis, axes.empty() ? sizes.lines : axis.space_extent));
    return axes;
  }
  static JoinedSums sums_of(const ProductScope& scope, const Windows& windows, const LaneTiling& sizes) {
    const int64_t steps = free_steps_of_block(scope.contraction, windows).value_or(1);
    return {scope, steps > 1 ? JoinedSums::Cut::WithinBlocks : JoinedSums::Cut::BetweenBlocks,
            scope.tiling.task_rows * sizes.lines * (windows.positions() / windows.axes[0].space_extent),
            scope.tiling.lanes};
  }

  std::vector<TaskAxis> task_axes() const override {
    std::vector<TaskAxis> axes;
    const auto& batch = contraction_.batch.loops;
    for (size_t i = 0; i + 1 < batch.size(); ++i) axes.push_back({batch[i].extent, 1});
    for (const NestLoop& loop : windows_.free_loops.loops) axes.push_back({loop.extent, 1});
    if (!windows_.free_loops.is_empty()) axes.back().piece = sizes_.images;
    axes.push_back({lane_.extent, scope_.tiling.lanes});
    axes.push_back({contraction_.rows.extent(), scope_.tiling.task_rows});
    axes.push_back({windows_.axes[0].space.extent, sizes_.lines});
    return axes;
  }

  /// What a task works on, beside one image.
  struct Ranges {
    TaskRange lanes, rows, lines;
  };

  Stmts task(std::span<const TaskRange> ranges) override {
    const size_t n = ranges.size();
    const Ranges all{ranges[n - 3], ranges[n - 2], ranges[n - 1]};
    const auto& batch = contraction_.batch.loops;
    const auto& outer = windows_.free_loops.loops;
    const LoopVar* image = c_.loop_var("image");
    for (size_t i = 0; i + 1 < batch.size(); ++i) scope_.outer.loops[batch[i].var] = ranges[i].low;
    for (size_t i = 0; i < outer.size(); ++i)
      scope_.outer.loops[outer[i].var] = i + 1 < outer.size() ? ranges[batch.size() - 1 + i].low : c_.loop(image);
    Stmts stmts{plane_.alloc(), rows_.alloc(), sums_.alloc()};
    const bool are_rows_shared = windows_.free_depth.is_empty();
    if (are_rows_shared) append(stmts, rows_.pack(all.lanes, all.rows, one_position()));
    const Substitution outside = scope_.outer;
    const LoopVar* d = c_.loop_var("d");
    Stmts step = free_depth_.at(c_.loop(d), scope_.outer);
    if (!are_rows_shared) append(step, rows_.pack(all.lanes, all.rows, one_position()));
    append(step, plane_.pack(all.lanes, {c_.i64(0), c_.i64(1)}, all.lines));
    append(step, tiles(all, c_.loop(d)));
    scope_.outer = outside;
    // A depth of nothing: sums that start and end there.
    Stmts body{make_for(d, c_.i64(0), c_.dim(windows_.free_depth.extent()), LoopKind::Serial, std::move(step))};
    append(body, epilogue(all));
    if (!outer.empty()) {
      const TaskRange images = ranges[n - 4];
      body = {make_for(image, images.low, images.high, LoopKind::Serial, std::move(body))};
    }
    append(stmts, body);
    return stmts;
  }

  TaskRange one_position() const { return {c_.i64(0), c_.i64(1)}; }
  TaskRange positions_along(size_t axis, TaskRange lines) const {
    return axis == 0 ? lines : TaskRange{c_.i64(0), c_.i64(windows_.axes[axis].space_extent)};
  }

  /// Row of the sums of a row and a position.
  Expr result(Expr row, TaskRange lines, const Substitution& at) const {
    Expr flat = row;
    for (size_t i = 0; i < windows_.axes.size(); ++i) {
      const Expr space = at.loops.at(windows_.axes[i].space.var);
      flat = scope_.mul(flat, i == 0 ? sizes_.lines : windows_.axes[i].space_extent);
      flat = scope_.add(flat, i == 0 ? scope_.sub(space, lines.low) : space);
    }
    return flat;
  }

  /// Lines and positions of a register tile.
  struct TileSize {
    int64_t lines, positions;
  };
  /// Where a tile begins, and which step of the depth's free loops it is.
  struct TilePlace {
    Expr row;
    TaskRange lines;
    Substitution at;
    Expr step;
  };

  Stmts tiles(const Ranges& all, Expr d) {
    const LoopVar* row = c_.loop_var("r");
    Stmts body = tiles_of_axis(0, {c_.loop(row), all.lines, {}, d});
    return {make_for(row, c_.i64(0), scope_.sub(all.rows.high, all.rows.low), LoopKind::Serial, std::move(body))};
  }

  Stmts tiles_of_axis(size_t axis, TilePlace place) {
    const size_t inner = windows_.axes.size() - 1;
    if (axis == inner) return tiles_of_lines(1, std::move(place));
    const TaskRange range = positions_along(axis, place.lines);
    const auto loop = [&](Expr low, Expr high, int64_t lines) {
      const LoopVar* p = c_.loop_var("p");
      place.at.loops[windows_.axes[axis].space.var] = c_.loop(p);
      Stmts body = axis + 1 == inner ? tiles_of_lines(lines, place) : tiles_of_axis(axis + 1, place);
      return make_for(p, low, high, LoopKind::Serial, std::move(body), lines);
    };
    const int64_t lines = axis + 1 == inner ? sizes_.tile_lines : 1;
    if (lines == 1) return {loop(range.low, range.high, 1)};
    const Expr groups = c_.binary(ExprOp::FloorDiv, scope_.sub(range.high, range.low), c_.i64(lines));
    Stmts made;
    const Expr whole = scope_.bind("whole", scope_.add(range.low, scope_.mul(groups, lines)), made);
    made.push_back(loop(range.low, whole, lines));
    made.push_back(loop(whole, range.high, 1));
    return made;
  }

  /// `lines` of them, from the first position to the last; several have one tile.
  Stmts tiles_of_lines(int64_t lines, TilePlace place) {
    const WindowAxis& axis = windows_.axes.back();
    const int64_t width = std::min(sizes_.tile_positions, axis.space_extent), whole = axis.space_extent / width * width;
    const LoopVar* p = c_.loop_var("p");
    Stmts made;
    const auto loop = [&](int64_t low, int64_t high, int64_t positions) {
      if (low >= high) return;
      place.at.loops[axis.space.var] = high - low > positions ? c_.loop(p) : c_.i64(low);
      Stmts body = tile({lines, positions}, place);
      if (high - low > positions)
        body = {make_for(p, c_.i64(low), c_.i64(high), LoopKind::Serial, std::move(body), positions)};
      append(made, body);
    };
    loop(0, whole, width);
    loop(whole, axis.space_extent, axis.space_extent - whole);
    return made;
  }

  /// A step of the depth's free loops: a part of a block of the chain, or several blocks.
  Stmts tile(TileSize size, const TilePlace& place) {
    const DepthBlocks& blocks = contraction_.blocks;
    const Expr positions = c_.i64(windows_.offset_count());
    if (blocks.kind == DepthBlocks::Kind::Pieces) {
      const LoopVar* cut = c_.loop_var("cut");
      const Expr cuts = c_.dim(blocks.pieces_per_step), low = scope_.mul(c_.loop(cut), blocks.terms);
      const Expr number = scope_.add(c_.binary(ExprOp::Mul, place.step, cuts), c_.loop(cut));
      const TaskRange range{low, scope_.min(positions, scope_.add(low, c_.i64(blocks.terms)))};
      return {make_for(cut, c_.i64(0), cuts, LoopKind::Serial, segment(size, place, {number}, &range))};
    }
    if (block_steps_ == 1) return segment(size, place, {place.step}, nullptr);
    const TaskRange steps{place.step, scope_.add(place.step, c_.i64(1))};
    return segment(size, place, sums_.part_of_block(steps, block_steps_, c_.dim(windows_.free_depth.extent())),
                   nullptr);
  }

  /// `range`: of the offsets' flat index; null: all.
  Stmts segment(TileSize size, const TilePlace& place, const JoinedSums::Segment& segment, const TaskRange* range) {
    const Place sums{result(place.row, place.lines, place.at), c_.i64(0), 0, size.lines * size.positions};
    return register_tile(sums, segment, [&](const Accumulators& accumulators) {
      Substitution offsets;
      if (range) {
        for (const NestLoop& loop : windows_.offsets.loops) offsets.loops[loop.var] = c_.loop(loop.var);
        const Expr uses[] = {rows_.load(place.row, offsets, c_.i64(0))};
        return GroupIndex(c_, scope_.facts, windows_.offsets, uses)
            .runs(range->low, range->high,
                  [&](const LoopVar* u, Expr low, Expr high, Expr, const Substitution& at) -> Stmts {
                    return {make_for(u, low, high, LoopKind::Serial, terms(size, place, accumulators, at))};
                  });
      }
      std::vector<const LoopVar*> vars;
      for (const NestLoop& loop : windows_.offsets.loops) {
        vars.push_back(c_.loop_var("o"));
        offsets.loops[loop.var] = c_.loop(vars.back());
      }
      Stmts body = terms(size, place, accumulators, offsets);
      const LoopKind kind = offset_loops(windows_.offset_count(), accumulators.sums);
      for (size_t i = vars.size(); i-- > 0;)
        body = {make_for(vars[i], c_.i64(0), c_.dim(windows_.offsets.loops[i].extent), kind, std::move(body))};
      return body;
    });
  }

  /// One step of the depth.
  Stmts terms(TileSize size, const TilePlace& place, const Accumulators& sums, const Substitution& offsets) const {
    Stmts body;
    const Expr row = scope_.bind("row", rows_.load(place.row, offsets, c_.i64(0)), body);
    auto sum = sums.sums.begin();
    const Substitution begin = joined(place.at, offsets);
    for (int64_t line = 0; line < size.lines; ++line)
      for (int64_t position = 0; position < size.positions; ++position, ++sum) {
        Substitution at = begin;
        const auto shift = [&](size_t axis, int64_t by) {
          Expr& space = at.loops.at(windows_.axes[axis].space.var);
          space = scope_.add(space, c_.i64(by));
        };
        if (line > 0) shift(windows_.axes.size() - 2, line);
        if (position > 0) shift(windows_.axes.size() - 1, position);
        const Expr column = scope_.bind("c", plane_.load(c_.i64(0), at, place.lines.low), body);
        body.push_back(make_assign(*sum, contraction_.step(c_, row, column, c_.read(*sum))));
      }
    return body;
  }

  /// Along positions where a line fills vectors; else along the lanes.
  Stmts epilogue(const Ranges& all) const {
    constexpr int64_t kLongLine = 4;
    const bool is_along_line = windows_.axes.back().space_extent >= kLongLine;
    return for_rows({all.rows, c_.i64(0)}, [&](Expr row, Substitution with) -> Stmts {
      const LoopVar* lane = c_.loop_var("lane");
      with.loops[lane_.var] = c_.loop(lane);
      const Expr number = scope_.sub(c_.loop(lane), all.lanes.low);
      std::vector<const LoopVar*> at;
      for (const WindowAxis& axis : windows_.axes) {
        at.push_back(c_.loop_var("p"));
        with.loops[axis.space.var] = c_.loop(at.back());
      }
      Expr total = sums_.total(result(row, all.lines, with), number);
      const Dim depth = windows_.free_depth.extent();
      if (!depth.is_constant() || depth.constant() == 0)
        total = c_.select(c_.binary(ExprOp::Eq, c_.dim(depth), c_.i64(0)), contraction_.start, total);
      Stmts run = stores(with, total);
      const auto loop = [&](size_t axis, bool is_innermost) {
        const TaskRange range = positions_along(axis, all.lines);
        run = is_innermost ? innermost_loop(c_, at[axis], range.low, range.high, scope_.widths, run)
                           : Stmts{make_for(at[axis], range.low, range.high, LoopKind::Serial, std::move(run))};
      };
      if (!is_along_line) run = innermost_loop(c_, lane, all.lanes.low, all.lanes.high, scope_.widths, run);
      for (size_t i = at.size(); i-- > 0;) loop(i, is_along_line && i + 1 == at.size());
      if (is_along_line) run = {make_for(lane, all.lanes.low, all.lanes.high, LoopKind::Serial, std::move(run))};
      return run;
    });
  }

  const Contraction& contraction_;
  const Windows& windows_;
  const LaneTiling& sizes_;
  NestLoop lane_;
  GroupIndex free_depth_;
  LanePlane rows_, plane_;
  int64_t block_steps_;  ///< of the free loops, in a block of the chain
};

}  // namespace

Stmts write_batch_lanes(Contraction contraction, const BatchLaneSchedule& schedule, LoopContext& c,
                        const ir::Facts& facts) {
  if (schedule.is_exchanged) contraction.transpose();
  const Windows windows = with_inner_axes(require_windows(Side::Columns, contraction, c, facts));
  ProductScope scope(contraction, c, facts, schedule.tiling.tiling);
  return BatchLanes(scope, windows, schedule.tiling).write();
}

}  // namespace strata::compiler
