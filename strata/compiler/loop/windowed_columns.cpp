#include "strata/compiler/loop/windowed_columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/joined_sums.h"
#include "strata/compiler/loop/panels.h"
#include "strata/compiler/loop/vector_loop.h"
#include "strata/compiler/loop/window_plane.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class Writer {
 public:
  Writer(ContractionScope& scope, const Windows& windows, const ColumnWindowTiling& tiling)
      : s_(scope),
        c_(scope.c),
        k_(scope.k),
        t_(scope.t),
        w_(windows),
        tiling_(tiling),
        rows_(scope),
        plane_(scope, windows, scope.k.columns_operand, windows.free_depth, tiling.panel_free, tiling.lines,
               scope.t.tile_columns()),
        block_steps_(*free_steps_of_block(scope.k, windows)),
        is_one_panel_(windows.free_depth.extent().is_constant() &&
                      windows.free_depth.extent().constant() <= tiling.panel_free),
        sums_(scope,
              is_one_panel_ || tiling.panel_free >= block_steps_ ? JoinedSums::Cut::BetweenBlocks
                                                                 : JoinedSums::Cut::WithinBlocks,
              is_one_panel_ ? scope.t.tile_rows : scope.t.padded_task_rows(), scope.t.task_columns) {}

  Stmts write() {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : outer_loops()) axes.push_back({loop.extent, 1});
    if (!axes.empty()) axes.back().piece = tiling_.images;
    axes.push_back({k_.rows.extent(), t_.task_rows});
    axes.push_back({w_.axes[0].space.extent, tiling_.lines});
    return {tasks_of_pieces(c_, axes, [&](std::span<const TaskRange> ranges) { return task(ranges); })};
  }

 private:
  /// Outside of the windows: the batch, and columns in front of them. Of the innermost (the images) a task has several.
  std::vector<NestLoop> outer_loops() const {
    std::vector<NestLoop> loops = k_.batch.loops;
    loops.insert(loops.end(), w_.free_loops.loops.begin(), w_.free_loops.loops.end());
    return loops;
  }

  Stmts task(std::span<const TaskRange> ranges) {
    Stmts stmts = plane_.alloc();
    stmts.push_back(rows_.alloc());
    stmts.push_back(sums_.alloc());
    const std::vector<NestLoop> outer = outer_loops();
    const LoopVar* image = c_.loop_var("image");
    for (size_t i = 0; i < outer.size(); ++i)
      s_.outer.loops[outer[i].var] = i + 1 < outer.size() ? ranges[i].low : c_.loop(image);
    const TaskRange rows = ranges[ranges.size() - 2], lines = ranges[ranges.size() - 1];
    const bool has_one_panel = is_one_panel_ && tiling_.are_rows_shared &&
                               constant_value(s_.sub(rows.high, rows.low)).value_or(t_.row_block + 1) <= t_.row_block;
    const Expr free = c_.dim(w_.free_depth.extent());
    if (has_one_panel) append(stmts, pack_rows(rows, {c_.i64(0), free}));
    Stmts body = panels(rows, lines, has_one_panel);
    if (!outer.empty())
      body = {make_for(image, ranges[outer.size() - 1].low, ranges[outer.size() - 1].high, LoopKind::Serial,
                       std::move(body))};
    append(stmts, body);
    return stmts;
  }

  /// The panels of depth of one image.
  Stmts panels(TaskRange rows, TaskRange lines, bool are_rows_packed) {
    const Expr free = c_.dim(w_.free_depth.extent());
    const LoopVar *block = c_.loop_var("fb"), *rb = c_.loop_var("rb");
    Stmts body;
    const Expr from = is_one_panel_ ? c_.i64(0) : c_.loop(block);
    const Expr to =
        is_one_panel_ ? free : s_.bind("f_end", s_.min(free, s_.add(from, c_.i64(tiling_.panel_free))), body);
    append(body, plane_.pack({from, to}, lines));
    if (are_rows_packed) {
      append(body, row_block(rows, rows, lines, {from, to}, free));
      return body;
    }
    Stmts inner;
    const Expr high = s_.bind("r_end", s_.min(rows.high, s_.add(c_.loop(rb), c_.i64(t_.row_block))), inner);
    append(inner, pack_rows({c_.loop(rb), high}, {from, to}));
    append(inner, row_block(rows, {c_.loop(rb), high}, lines, {from, to}, free));
    body.push_back(make_for(rb, rows.low, rows.high, LoopKind::Serial, std::move(inner), t_.row_block));
    if (is_one_panel_) return body;
    // A depth of nothing is one block of nothing: the epilogue still runs.
    return {make_for(block, c_.i64(0), c_.binary(ExprOp::Max, free, c_.i64(1)), LoopKind::Serial, std::move(body),
                     tiling_.panel_free)};
  }

  Stmts pack_rows(TaskRange rows, TaskRange free) {
    const int64_t offsets = w_.offset_count();
    return rows_.pack(rows, {s_.mul(free.low, offsets), s_.mul(free.high, offsets)});
  }

  Stmts row_block(TaskRange task_rows, TaskRange rows, TaskRange lines, TaskRange free, Expr free_end) {
    Stmts stmts;
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    Stmts body;
    const Expr first = s_.bind("i_first", s_.add(rows.low, s_.mul(c_.loop(it), t_.tile_rows)), body);
    const Expr sums_row = is_one_panel_ ? c_.i64(0) : s_.bind("sums_row", s_.sub(first, task_rows.low), body);
    const Expr positions = s_.mul(s_.sub(lines.high, lines.low), plane_.strides()[0]);
    const int64_t between = plane_.strides()[0] - used_of_line();
    body.push_back(make_for(jt, c_.i64(0), s_.ceil_div(s_.sub(positions, c_.i64(between)), t_.tile_columns()),
                            LoopKind::Serial, tile_of_panel(c_.loop(it), c_.loop(jt), sums_row, free, free_end)));
    Stmts finish = epilogue(first, s_.min(rows.high, s_.add(first, c_.i64(t_.tile_rows))), sums_row, lines);
    if (is_one_panel_)
      append(body, finish);
    else
      body.push_back(make_if(c_.binary(ExprOp::Ge, free.high, free_end), std::move(finish)));
    stmts.push_back(make_for(it, c_.i64(0), s_.ceil_div(s_.sub(rows.high, rows.low), t_.tile_rows), LoopKind::Serial,
                             std::move(body)));
    return stmts;
  }

  /// Positions from a line's first to its last that is wanted, one more.
  int64_t used_of_line() const {
    int64_t last = 0;
    for (size_t i = 1; i < w_.axes.size(); ++i) last += (w_.axes[i].space_extent - 1) * plane_.strides()[i];
    return last + 1;
  }

  /// The blocks of the chain in the panel free.low..free.high, or the part of one that it is.
  Stmts tile_of_panel(Expr it, Expr jt, Expr sums_row, TaskRange free, Expr free_end) {
    const auto divided = [&](ExprOp op, Expr a) { return c_.binary(op, a, c_.i64(block_steps_)); };
    const TaskRange whole{c_.i64(0), s_.sub(free.high, free.low)};
    if (k_.blocks.kind == DepthBlocks::Kind::One && is_one_panel_)
      return register_tile(it, jt, sums_row, {c_.i64(0)}, whole);
    if (!is_one_panel_ && tiling_.panel_free <= block_steps_) {
      const Expr number = divided(ExprOp::FloorDiv, free.low);
      const JoinedSums::Segment segment = tiling_.panel_free < block_steps_
                                              ? sums_.part_of_block(free, block_steps_, free_end)
                                              : JoinedSums::Segment{number};
      return register_tile(it, jt, sums_row, segment, whole);
    }
    const LoopVar* block = c_.loop_var("b");
    Stmts body;
    const Expr low = s_.mul(c_.loop(block), block_steps_);
    const Expr from = s_.bind("b_begin", s_.sub(low, free.low), body);
    const Expr to = s_.bind("b_end", s_.sub(s_.min(free.high, s_.add(low, c_.i64(block_steps_))), free.low), body);
    append(body, register_tile(it, jt, sums_row, {c_.loop(block)}, {from, to}));
    return {make_for(block, divided(ExprOp::FloorDiv, free.low), s_.ceil_div(free.high, block_steps_), LoopKind::Serial,
                     std::move(body))};
  }

  Stmts register_tile(Expr it, Expr jt, Expr sums_row, const JoinedSums::Segment& segment, TaskRange free) {
    const int lanes = t_.lanes;
    std::vector<const Local*> sums;
    for (int64_t i = 0; i < t_.tile_rows; ++i)
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        sums.push_back(c_.local(fmt::format("s{}_{}", i, v), {s_.type, static_cast<uint16_t>(lanes)}, true));
        const Expr column = c_.ramp(s_.add(s_.mul(jt, t_.tile_columns()), c_.i64(v * lanes)), 1, lanes);
        sums_.add(sums.back(), s_.add(sums_row, c_.i64(i)), column);
      }
    Stmts stmts = sums_.begin(segment);
    append(stmts, depth_loops(it, s_.mul(jt, t_.tile_columns()), sums, free));
    append(stmts, sums_.end(segment));
    return stmts;
  }

  /// The free loops, whose steps are counted from the panel's first, then the offsets' in their order: k ascends.
  Stmts depth_loops(Expr it, Expr position, const std::vector<const Local*>& sums, TaskRange free) {
    const LoopVar* f = c_.loop_var("f");
    Substitution offsets;
    Expr k = c_.loop(f);
    std::vector<const LoopVar*> vars;
    for (const NestLoop& loop : w_.offsets.loops) {
      vars.push_back(c_.loop_var("o"));
      offsets.loops[loop.var] = c_.loop(vars.back());
      k = s_.add(s_.mul(k, loop.extent.constant()), c_.loop(vars.back()));
    }
    const Expr at = s_.add(s_.add(s_.mul(c_.loop(f), plane_.plane_elements()), position), plane_.shift(offsets));
    Stmts body = step(it, k, at, sums);
    for (size_t i = vars.size(); i-- > 0;)
      body = {make_for(vars[i], c_.i64(0), c_.dim(w_.offsets.loops[i].extent), LoopKind::Serial, std::move(body))};
    return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
  }

  Stmts step(Expr it, Expr k, Expr at, const std::vector<const Local*>& sums) {
    Stmts body;
    std::vector<Expr> columns;
    const ScalarType wide{s_.type, static_cast<uint16_t>(t_.lanes)};
    for (int64_t v = 0; v < t_.tile_vectors; ++v) {
      const Local* local = c_.local(fmt::format("c{}", v), wide, false);
      body.push_back(make_declare(local, plane_.load_vector(s_.add(at, c_.i64(v * t_.lanes)))));
      columns.push_back(c_.read(local));
    }
    for (int64_t i = 0; i < t_.tile_rows; ++i) {
      const Local* row = c_.local(fmt::format("r{}", i), wide, false);
      body.push_back(make_declare(row, c_.broadcast(rows_.at(it, i, k), t_.lanes)));
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        const Local* sum = sums[static_cast<size_t>(i * t_.tile_vectors + v)];
        body.push_back(make_assign(sum, k_.step(c_, c_.read(row), columns[static_cast<size_t>(v)], c_.read(sum))));
      }
    }
    return body;
  }

  Stmts epilogue(Expr first, Expr last, Expr sums_row, TaskRange lines) {
    const LoopVar* i = c_.loop_var("i");
    Substitution with = s_.outer;
    Stmts body;
    const Expr row = s_.rows.is_linear() ? c_.loop(i) : s_.bind("row", c_.loop(i), body);
    append(body, s_.rows.at(row, with));
    std::vector<const LoopVar*> at;
    Expr position = c_.i64(0);
    for (size_t a = 0; a < w_.axes.size(); ++a) {
      at.push_back(c_.loop_var("p"));
      with.loops[w_.axes[a].space.var] = c_.loop(at[a]);
      const Expr here = a == 0 ? s_.sub(c_.loop(at[a]), lines.low) : c_.loop(at[a]);
      position = s_.add(position, s_.mul(here, plane_.strides()[a]));
    }
    with.locals[k_.accumulator] = sums_.total(s_.add(sums_row, s_.sub(c_.loop(i), first)), position);
    Stmts stores;
    for (const StmtPtr& store : k_.epilogue)
      stores.push_back(
          make_store(store->buffer, {s_.element(store->indices[0], with)}, s_.element(store->value, with)));
    const size_t inner = at.size() - 1;
    const auto low = [&](size_t a) { return a == 0 ? lines.low : c_.i64(0); };
    const auto high = [&](size_t a) { return a == 0 ? lines.high : c_.i64(w_.axes[a].space_extent); };
    Stmts run = vector_loop(c_, at[inner], low(inner), high(inner), s_.widths, stores);
    for (size_t a = inner; a-- > 0;) run = {make_for(at[a], low(a), high(a), LoopKind::Serial, std::move(run))};
    append(body, run);
    return {make_for(i, first, last, LoopKind::Serial, std::move(body))};
  }

  ContractionScope& s_;
  LoopContext& c_;
  const Contraction& k_;
  const Tiling& t_;
  const Windows& w_;
  const ColumnWindowTiling& tiling_;
  RowPanel rows_;
  WindowPlane plane_;
  int64_t block_steps_;  ///< of the free loops, in a block of the chain
  bool is_one_panel_;
  JoinedSums sums_;
};

}  // namespace

Stmts schedule_column_windows(const Contraction& contraction, const Windows& windows, const ColumnWindowTiling& tiling,
                              LoopContext& context, const ir::Facts& facts) {
  ContractionScope scope(contraction, context, facts, tiling.tiling);
  return Writer(scope, windows, tiling).write();
}

}  // namespace strata::compiler
