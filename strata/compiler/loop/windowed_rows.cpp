#include "strata/compiler/loop/windowed_rows.h"

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

/// What a step of the depth's free loops is made of: they are outside, and the panel of the columns is as deep as the
/// positions of the window.
Contraction step_of(const Contraction& whole, const Windows& windows) {
  Contraction step = whole;
  step.depth = windows.offsets;
  return step;
}

class Writer {
 public:
  Writer(ContractionScope& scope, const Contraction& whole, const Windows& windows, const RowWindowTiling& tiling)
      : s_(scope),
        c_(scope.c),
        k_(scope.k),
        t_(scope.t),
        w_(windows),
        tiling_(tiling),
        free_depth_(scope.c, scope.facts, windows.free_depth, operands(whole)),
        free_rows_(scope.c, scope.facts, windows.free_loops, {&whole.rows_operand, 1}),
        columns_(scope),
        plane_(scope, windows, whole.rows_operand, windows.free_loops, tiling.task_free, windows.axes[0].space_extent,
               0),
        offsets_(shifts()),
        whole_shift_(shift_of_loops()),
        block_steps_(free_steps_of_block(whole, windows).value_or(1)),
        sums_(scope, block_steps_ > 1 ? JoinedSums::Cut::WithinBlocks : JoinedSums::Cut::BetweenBlocks,
              tiling.task_free * static_cast<int64_t>(offsets_.size()), scope.t.task_columns + 16) {}

  Stmts write() {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : k_.batch.loops) axes.push_back({loop.extent, 1});
    axes.push_back({w_.free_loops.extent(), tiling_.task_free});
    axes.push_back({tiling_.pieces, tiling_.task_pieces});
    axes.push_back({k_.columns.extent(), t_.task_columns});
    return {tasks_of_pieces(c_, axes, [&](std::span<const TaskRange> ranges) { return task(ranges); })};
  }

 private:
  static std::vector<Expr> operands(const Contraction& k) { return {k.rows_operand, k.columns_operand}; }

  /// The shift of each offset of a window, in the order of the rows.
  std::vector<int64_t> shifts() const {
    std::vector<int64_t> all{0};
    for (size_t a = 0; a < w_.axes.size(); ++a) {
      std::vector<int64_t> next;
      for (int64_t shift : all)
        for (int64_t i = 0; i < w_.axes[a].space_extent; ++i) next.push_back(shift + i * plane_.strides()[a]);
      all = std::move(next);
    }
    return all;
  }

  Expr shift_of_loops() const {
    Substitution same;
    for (const NestLoop& loop : w_.offsets.loops) same.loops[loop.var] = c_.loop(loop.var);
    return plane_.shift(same);
  }

  /// First offset of a piece: the pieces are about as long.
  int64_t piece_begin(int64_t piece) const { return static_cast<int64_t>(offsets_.size()) * piece / tiling_.pieces; }

  Stmts task(std::span<const TaskRange> ranges) {
    Stmts stmts = plane_.alloc();
    stmts.push_back(columns_.alloc());
    stmts.push_back(sums_.alloc());
    for (size_t i = 0; i < k_.batch.loops.size(); ++i) s_.outer.loops[k_.batch.loops[i].var] = ranges[i].low;
    const size_t n = ranges.size();
    const TaskRange free = ranges[n - 3], pieces = ranges[n - 2], columns = ranges[n - 1];
    const Substitution outside = s_.outer;
    const LoopVar* d = c_.loop_var("d");
    Stmts step = free_depth_.at(c_.loop(d), s_.outer);
    append(step, columns_.pack(columns, {c_.i64(0), c_.i64(positions())}));
    append(step, plane_.pack(free, {c_.i64(0), c_.i64(w_.axes[0].space_extent)}));
    const LoopVar *f = c_.loop_var("f"), *jt = c_.loop_var("jt");
    Stmts tiles = for_pieces(pieces, [&](int64_t piece) {
      const Expr at = s_.sub(c_.loop(f), free.low);
      return Stmts{make_for(jt, c_.i64(0), s_.ceil_div(s_.sub(columns.high, columns.low), t_.tile_columns()),
                            LoopKind::Serial, tile_of_step(at, piece, c_.loop(jt), c_.loop(d)))};
    });
    step.push_back(make_for(f, free.low, free.high, LoopKind::Serial, std::move(tiles)));
    s_.outer = outside;
    // A depth of nothing: sums that start and end there.
    stmts.push_back(make_for(d, c_.i64(0), c_.dim(w_.free_depth.extent()), LoopKind::Serial, std::move(step)));
    append(stmts, epilogue(free, pieces, columns));
    return stmts;
  }

  template <class Body>
  Stmts for_pieces(TaskRange pieces, Body body) {
    Stmts all;
    for (int64_t piece = 0; piece < tiling_.pieces; ++piece) {
      if (tiling_.task_pieces == tiling_.pieces)
        append(all, body(piece));
      else
        all.push_back(make_if(c_.binary(ExprOp::Eq, pieces.low, c_.i64(piece)), body(piece)));
    }
    return all;
  }

  int64_t positions() const { return w_.offset_count(); }
  Expr sums_row(Expr free, int64_t offset) {
    return s_.add(s_.mul(free, static_cast<int64_t>(offsets_.size())), c_.i64(offset));
  }

  /// All positions of step `d` of the depth's free loops: a part of a block of the chain, or several blocks.
  Stmts tile_of_step(Expr free, int64_t piece, Expr jt, Expr d) {
    if (k_.blocks.kind == DepthBlocks::Kind::Pieces) {
      const LoopVar* cut = c_.loop_var("cut");
      const Expr cuts = c_.dim(k_.blocks.pieces_per_step), low = s_.mul(c_.loop(cut), k_.blocks.terms);
      const Expr number = s_.add(c_.binary(ExprOp::Mul, d, cuts), c_.loop(cut));
      const TaskRange range{low, s_.min(c_.i64(positions()), s_.add(low, c_.i64(k_.blocks.terms)))};
      return {make_for(cut, c_.i64(0), cuts, LoopKind::Serial, register_tile(free, piece, jt, {number}, range))};
    }
    JoinedSums::Segment segment{d};
    if (block_steps_ > 1)
      segment = sums_.part_of_block({d, s_.add(d, c_.i64(1))}, block_steps_, c_.dim(w_.free_depth.extent()));
    return register_tile(free, piece, jt, segment, {c_.i64(0), c_.i64(positions())});
  }

  Stmts register_tile(Expr free, int64_t piece, Expr jt, const JoinedSums::Segment& segment, TaskRange range) {
    const int64_t begin = piece_begin(piece), end = piece_begin(piece + 1);
    const ScalarType wide{s_.type, static_cast<uint16_t>(t_.lanes)};
    std::vector<const Local*> sums;
    for (int64_t i = begin; i < end; ++i)
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        sums.push_back(c_.local(fmt::format("s{}_{}", i, v), wide, true));
        const Expr column = c_.ramp(s_.add(s_.mul(jt, t_.tile_columns()), c_.i64(v * t_.lanes)), 1, t_.lanes);
        sums_.add(sums.back(), sums_row(free, i), column);
      }
    Stmts stmts = sums_.begin(segment);
    const GroupIndex positions_of(c_, s_.facts, w_.offsets, {&whole_shift_, 1});
    append(stmts,
           positions_of.runs(
               range.low, range.high, [&](const LoopVar* u, Expr low, Expr high, Expr k, const Substitution& offsets) {
                 const Expr at =
                     s_.add(s_.mul(free, plane_.plane_elements()), replaced(c_, s_.facts, whole_shift_, offsets));
                 return Stmts{make_for(u, low, high, LoopKind::Serial, step(at, k, jt, begin, end, sums))};
               }));
    append(stmts, sums_.end(segment));
    return stmts;
  }

  /// One position: `at` in the plane, `k` in the panel of columns.
  Stmts step(Expr at, Expr k, Expr jt, int64_t begin, int64_t end, const std::vector<const Local*>& sums) {
    const int lanes = t_.lanes;
    const ScalarType wide{s_.type, static_cast<uint16_t>(lanes)};
    Stmts body;
    std::vector<Expr> columns;
    for (int64_t v = 0; v < t_.tile_vectors; ++v) {
      const Local* local = c_.local(fmt::format("c{}", v), wide, false);
      body.push_back(make_declare(local, columns_.at(jt, v, k)));
      columns.push_back(c_.read(local));
    }
    for (int64_t i = begin; i < end; ++i) {
      const Local* row = c_.local(fmt::format("r{}", i), wide, false);
      const Expr element = plane_.load(s_.add(at, c_.i64(offsets_[static_cast<size_t>(i)])));
      body.push_back(make_declare(row, c_.broadcast(element, lanes)));
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        const Local* sum = sums[static_cast<size_t>((i - begin) * t_.tile_vectors + v)];
        body.push_back(make_assign(sum, k_.step(c_, c_.read(row), columns[static_cast<size_t>(v)], c_.read(sum))));
      }
    }
    return body;
  }

  Stmts epilogue(TaskRange free, TaskRange pieces, TaskRange columns) {
    const LoopVar* f = c_.loop_var("f");
    Substitution with = s_.outer;
    Stmts body = free_rows_.at(c_.loop(f), with);
    append(body, for_pieces(pieces, [&](int64_t piece) {
             Stmts rows;
             const LoopVar* i = c_.loop_var("i");
             Expr rest = c_.loop(i);
             Substitution at_row = with;
             for (size_t a = w_.axes.size(); a-- > 0;) {
               const Expr extent = c_.i64(w_.axes[a].space_extent);
               at_row.loops[w_.axes[a].space.var] =
                   s_.bind("at", a == 0 ? rest : c_.binary(ExprOp::FloorMod, rest, extent), rows);
               rest = c_.binary(ExprOp::FloorDiv, rest, extent);
             }
             const Expr row =
                 s_.add(s_.mul(s_.sub(c_.loop(f), free.low), static_cast<int64_t>(offsets_.size())), c_.loop(i));
             append(rows, epilogue_row(row, columns, at_row));
             return Stmts{make_for(i, c_.i64(piece_begin(piece)), c_.i64(piece_begin(piece + 1)), LoopKind::Serial,
                                   std::move(rows))};
           }));
    return {make_for(f, free.low, free.high, LoopKind::Serial, std::move(body))};
  }

  Stmts epilogue_row(Expr row, TaskRange columns, const Substitution& with) {
    return s_.columns.runs(
        columns.low, columns.high, [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
          Substitution all = joined(with, at);
          Expr sum = sums_.total(row, s_.sub(flat, columns.low));
          const Dim depth = w_.free_depth.extent();
          if (!depth.is_constant() || depth.constant() == 0)
            sum = c_.select(c_.binary(ExprOp::Eq, c_.dim(depth), c_.i64(0)), k_.start, sum);
          all.locals[k_.accumulator] = sum;
          Stmts stores;
          for (const StmtPtr& store : k_.epilogue)
            stores.push_back(
                make_store(store->buffer, {s_.element(store->indices[0], all)}, s_.element(store->value, all)));
          return vector_loop(c_, u, low, high, s_.widths, stores);
        });
  }

  ContractionScope& s_;
  LoopContext& c_;
  const Contraction& k_;
  const Tiling& t_;
  const Windows& w_;
  const RowWindowTiling& tiling_;
  GroupIndex free_depth_, free_rows_;
  ColumnPanel columns_;
  WindowPlane plane_;
  std::vector<int64_t> offsets_;
  Expr whole_shift_;     ///< of a position in the plane, by the offsets' loops
  int64_t block_steps_;  ///< of the free loops, in a block of the chain
  JoinedSums sums_;
};

}  // namespace

Stmts schedule_row_windows(const Contraction& contraction, const Windows& windows, const RowWindowTiling& tiling,
                           LoopContext& context, const ir::Facts& facts) {
  const Contraction step = step_of(contraction, windows);
  ContractionScope scope(step, context, facts, tiling.tiling);
  return Writer(scope, contraction, windows, tiling).write();
}

}  // namespace strata::compiler
