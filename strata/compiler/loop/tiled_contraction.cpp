#include "strata/compiler/loop/tiled_contraction.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/access.h"
#include "strata/compiler/loop/peel.h"
#include "strata/compiler/loop/pointwise.h"
#include "strata/compiler/loop/tasks.h"
#include "strata/compiler/loop/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

void append(Stmts& to, const Stmts& more) { to.insert(to.end(), more.begin(), more.end()); }

/// Loads of an expression that are contiguous along a loop, less those that are strided.
int contiguity(LoopContext& c, const ir::Facts& facts, Expr e, const LoopGroup& group) {
  if (group.is_empty()) return 0;
  LinearIndices indices(c, facts);
  int score = 0;
  for (Expr load : collect_loads(inside_of_padding(c, facts, e))) {
    const Stride stride = stride_in(indices, load->args[0], c.loop(group.loops.back().var));
    score += stride == Stride::Contiguous ? 1 : stride == Stride::Other ? -1 : 0;
  }
  return score;
}

class Writer {
 public:
  Writer(const Contraction& contraction, LoopContext& context, const ir::Facts& facts, const Tiling& tiling,
         std::vector<std::string>& notes)
      : k_(contraction),
        c_(context),
        facts_(facts),
        t_(tiling),
        notes_(notes),
        type_(contraction.accumulator->type.dtype),
        rows_(context, facts, contraction.rows, epilogue_uses(contraction, contraction.rows_operand)),
        columns_(context, facts, contraction.columns, epilogue_uses(contraction, contraction.columns_operand)),
        pack_rows_depth_(context, facts, contraction.depth, {&contraction.rows_operand, 1}),
        pack_columns_depth_(context, facts, contraction.depth, {&contraction.columns_operand, 1}) {}

  Stmts write() {
    for (int width = t_.lanes; width >= 1; width /= 2)
      if (width == t_.lanes || width >= 4 || width == 1) widths_.push_back(width);
    if (widths_.back() != 1) widths_.push_back(1);
    choose_layouts();
    std::vector<Dim> extents;
    std::vector<Expr> chunks;
    for (const NestLoop& loop : k_.batch.loops) {
      extents.push_back(loop.extent);
      chunks.push_back(c_.i64(1));
    }
    const auto whole_or = [&](Dim extent, int64_t piece) {
      return extent.is_constant() && extent.constant() <= piece ? c_.dim(extent) : c_.i64(piece);
    };
    extents.push_back(k_.rows.extent());
    chunks.push_back(whole_or(extents.back(), t_.task_rows));
    extents.push_back(k_.columns.extent());
    chunks.push_back(whole_or(extents.back(), t_.task_columns));
    return {tasks_of_chunks(c_, extents, chunks, [&](std::span<const TaskRange> ranges) { return task(ranges); })};
  }

 private:
  /// Where a group's loops appear: in its operand and in the epilogue.
  static std::vector<Expr> epilogue_uses(const Contraction& k, Expr operand) {
    std::vector<Expr> uses{operand};
    for (const StmtPtr& store : k.epilogue) {
      uses.push_back(store->indices[0]);
      uses.push_back(store->value);
    }
    return uses;
  }

  Expr add(Expr a, Expr b) { return c_.binary(ExprOp::Add, a, b); }
  Expr sub(Expr a, Expr b) { return c_.binary(ExprOp::Sub, a, b); }
  Expr mul(Expr a, int64_t b) { return c_.binary(ExprOp::Mul, a, c_.i64(b)); }
  Expr min(Expr a, Expr b) { return c_.binary(ExprOp::Min, a, b); }
  Expr ceil_tiles(Expr a, int64_t unit) { return c_.binary(ExprOp::FloorDiv, add(a, c_.i64(unit - 1)), c_.i64(unit)); }
  Expr bind(const char* name, Expr value, Stmts& stmts) {
    if (value->arg_count == 0 && value->op != ExprOp::Loop) return value;
    const Local* local = c_.local(name, value->type, false);
    stmts.push_back(make_declare(local, value));
    return c_.read(local);
  }
  Expr element(Expr operand, const Substitution& with) { return replaced(c_, facts_, operand, with); }
  static Substitution joined(Substitution a, const Substitution& b) {
    a.loops.insert(b.loops.begin(), b.loops.end());
    return a;
  }

  void choose_layouts() {
    rows_along_depth_ =
        contiguity(c_, facts_, k_.rows_operand, k_.depth) >= contiguity(c_, facts_, k_.rows_operand, k_.rows);
    const Dim run = k_.columns.is_empty() ? Dim(1) : k_.columns.loops.back().extent;
    const bool is_short = !columns_.is_linear() && run.is_constant() && run.constant() < 6;
    columns_along_depth_ =
        contiguity(c_, facts_, k_.columns_operand, k_.depth) > contiguity(c_, facts_, k_.columns_operand, k_.columns) ||
        (is_short && contiguity(c_, facts_, k_.columns_operand, k_.depth) >=
                         contiguity(c_, facts_, k_.columns_operand, k_.columns));
    columns_in_lines_ = !columns_along_depth_ && !columns_.is_linear();
    const Dim depth = k_.depth.extent();
    is_one_block_ = depth.is_constant() && depth.constant() <= t_.depth_block;
    const int64_t deep =
        (t_.depth_block + 15) / 16 * 16 + 16;  // rows of the panel start in different sets of the cache
    const int64_t row_tiles = (t_.row_block + t_.tile_rows - 1) / t_.tile_rows,
                  column_tiles = t_.task_columns / t_.tile_columns();
    const auto scratch = [&](const char* name, std::vector<Dim> shape) {
      return c_.buffer({name, type_, std::move(shape), BufferKind::Scratch});
    };
    packed_rows_ = rows_along_depth_ ? scratch("rows", {row_tiles, t_.tile_rows, deep})
                                     : scratch("rows", {row_tiles, t_.depth_block, t_.tile_rows});
    line_ = t_.task_columns + 16;
    packed_columns_ = columns_in_lines_ ? scratch("columns", {t_.depth_block, line_})
                                        : scratch("columns", {column_tiles, t_.depth_block, t_.tile_columns()});
    sums_ =
        scratch("sums", {is_one_block_ ? t_.tile_rows : (t_.task_rows + t_.tile_rows - 1) / t_.tile_rows * t_.tile_rows,
                         t_.task_columns + 16});
    notes_.push_back(t_.str());
    notes_.push_back(fmt::format("pack rows as {}", rows_along_depth_ ? "[tile][row][k]" : "[tile][k][row]"));
    notes_.push_back(fmt::format("pack columns as {}{}", columns_in_lines_ ? "[k][columns]" : "[tile][k][column]",
                                 columns_along_depth_ ? ", transposed" : ""));
    notes_.push_back(is_one_block_ ? "sums stay in one row of tiles"
                                   : "sums reloaded between blocks of depth: the chain ascends");
    notes_.push_back("epilogue at the last block of depth");
  }

  Stmts task(std::span<const TaskRange> ranges) {
    Stmts stmts{make_alloc(packed_rows_), make_alloc(packed_columns_), make_alloc(sums_)};
    for (size_t i = 0; i < k_.batch.loops.size(); ++i) batch_.loops[k_.batch.loops[i].var] = ranges[i].low;
    const TaskRange rows = ranges[ranges.size() - 2], columns = ranges[ranges.size() - 1];
    const Expr depth = c_.dim(k_.depth.extent());
    const LoopVar* block = c_.loop_var("kb");
    // A depth of nothing is one block of nothing: the epilogue still runs.
    const Expr end = c_.binary(ExprOp::Max, depth, c_.i64(1));
    Stmts body;
    const Expr from = is_one_block_ ? c_.i64(0) : c_.loop(block);
    const Expr to = is_one_block_ ? depth : bind("k_end", min(depth, add(from, c_.i64(t_.depth_block))), body);
    append(body, pack_columns(columns, {from, to}));
    const bool one_row_block = constant_value(sub(rows.high, rows.low)).value_or(t_.row_block + 1) <= t_.row_block;
    if (one_row_block) {
      append(body, row_block(rows, rows, columns, {from, to}, end));
    } else {
      const LoopVar* rb = c_.loop_var("rb");
      Stmts inner;
      const Expr high = bind("r_end", min(rows.high, add(c_.loop(rb), c_.i64(t_.row_block))), inner);
      append(inner, row_block(rows, {c_.loop(rb), high}, columns, {from, to}, end));
      body.push_back(make_for(rb, rows.low, rows.high, LoopKind::Serial, std::move(inner), t_.row_block));
    }
    if (is_one_block_)
      append(stmts, body);
    else
      stmts.push_back(make_for(block, c_.i64(0), end, LoopKind::Serial, std::move(body), t_.depth_block));
    return stmts;
  }

  // Packing.

  Stmts pack_columns(TaskRange columns, TaskRange depth) {
    if (columns_in_lines_) return pack_column_lines(columns, depth);
    if (!columns_along_depth_) return pack_column_rows(columns, depth);
    const LoopVar* tile = c_.loop_var("jt");
    Stmts body;
    const Expr first = bind("j_first", add(columns.low, mul(c_.loop(tile), t_.tile_columns())), body);
    if (columns_along_depth_ && !(columns_.is_linear() && pack_columns_depth_.is_linear()))
      append(body, pack_column_chains(c_.loop(tile), first, columns, depth));
    else
      append(body, pack_column_tile(c_.loop(tile), first, columns, depth));
    return {make_for(tile, c_.i64(0), ceil_tiles(sub(columns.high, columns.low), t_.tile_columns()), LoopKind::Serial,
                     std::move(body))};
  }

  /// Along columns: whole tiles row by row of the operand, as it lies in memory; then the tile that is cut off.
  Stmts pack_column_rows(TaskRange columns, TaskRange depth) {
    const Expr count = sub(columns.high, columns.low);
    Stmts stmts;
    const Expr whole = bind("whole", c_.binary(ExprOp::FloorDiv, count, c_.i64(t_.tile_columns())), stmts);
    const LoopVar *k = c_.loop_var("k"), *tile = c_.loop_var("jt"), *j = c_.loop_var("j");
    Substitution with = batch_;
    Stmts body = pack_columns_depth_.at(c_.loop(k), with);
    Stmts copy = columns_.at(add(add(columns.low, mul(c_.loop(tile), t_.tile_columns())), c_.loop(j)), with);
    copy.push_back(make_store(packed_columns_, {c_.loop(tile), sub(c_.loop(k), depth.low), c_.loop(j)},
                              element(k_.columns_operand, with)));
    body.push_back(make_for(tile, c_.i64(0), whole, LoopKind::Serial,
                            vector_tile(j, t_.tile_columns(), t_.tile_columns(), widths_, copy)));
    stmts.push_back(make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body)));
    Stmts last;
    const Expr first = bind("j_first", add(columns.low, mul(whole, t_.tile_columns())), last);
    append(last, pack_column_tile(whole, first, columns, depth));
    stmts.push_back(make_if(c_.binary(ExprOp::Lt, mul(whole, t_.tile_columns()), count), std::move(last)));
    return stmts;
  }

  /// [k][column] of one tile, along columns: whole vectors, and one by one in the last tile, which repeats the last
  /// column.
  Stmts pack_column_tile(Expr tile, Expr first, TaskRange columns, TaskRange depth) {
    const auto rows_of = [&](bool is_whole) {
      const LoopVar *k = c_.loop_var("k"), *j = c_.loop_var("j");
      Substitution with = batch_;
      Stmts body = pack_columns_depth_.at(c_.loop(k), with);
      Stmts copy;
      Expr column = add(first, c_.loop(j));
      if (!is_whole) column = bind("column", min(column, sub(columns.high, c_.i64(1))), copy);
      append(copy, columns_.at(column, with));
      copy.push_back(make_store(packed_columns_, {tile, sub(c_.loop(k), depth.low), c_.loop(j)},
                                element(k_.columns_operand, with)));
      // Read across rows: 8 at a time, whose lines the first cache holds even when all fall into one set.
      const int narrow = std::min(8, t_.lanes);
      const LoopVar* group = c_.loop_var("group");
      const auto few =
          columns_along_depth_ && is_whole ? vector_body(c_, copy, j, c_.loop(group), narrow) : std::nullopt;
      if (few) {
        append(body, *few);
        return Stmts{make_for(group, c_.i64(0), c_.i64(t_.tile_columns()), LoopKind::Serial,
                              {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))}, narrow)};
      }
      const int one[] = {1};
      const std::span<const int> widths = is_whole ? std::span<const int>(widths_) : std::span<const int>(one);
      append(body, vector_tile(j, is_whole ? t_.tile_columns() : -1, t_.tile_columns(), widths, copy));
      return Stmts{make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
    };
    const Expr is_whole = c_.binary(ExprOp::Le, add(first, c_.i64(t_.tile_columns())), columns.high);
    return {make_if(is_whole, rows_of(true), rows_of(false))};
  }

  /// for var in 0..count by vectors, unrolled where it is whole.
  Stmts vector_tile(const LoopVar* var, int64_t whole, int64_t count, std::span<const int> widths, const Stmts& body) {
    if (whole < 0) return vector_loop(c_, var, c_.i64(0), c_.i64(count), widths, body);
    Stmts made;
    for (int64_t at = 0; at < whole;) {
      int width = 1;
      for (int w : widths)
        if (w <= whole - at) {
          width = w;
          break;
        }
      const auto wide = vector_body(c_, body, var, c_.i64(at), width);
      if (!wide) return vector_loop(c_, var, c_.i64(0), c_.i64(count), widths, body);
      append(made, *wide);
      at += width;
    }
    return made;
  }

  /// [k][column] of one tile, each column along the depth. Where the depth is one loop, in pieces as long as a cache
  /// line: the lines that the piece is scattered over are written by all columns before the next piece.
  Stmts pack_column_chains(Expr tile, Expr first, TaskRange columns, TaskRange depth) {
    const bool in_pieces = pack_columns_depth_.is_linear();
    const LoopVar *j = c_.loop_var("j"), *piece = c_.loop_var("piece");
    const int64_t length = 16;
    Stmts body;
    Substitution with = batch_;
    const Expr column = bind("column", min(add(first, c_.loop(j)), sub(columns.high, c_.i64(1))), body);
    append(body, columns_.at(column, with));
    const Expr low = in_pieces ? c_.loop(piece) : depth.low;
    const Expr high = in_pieces ? min(depth.high, add(low, c_.i64(length))) : depth.high;
    append(body, pack_columns_depth_.runs(
                     low, high, [&](const LoopVar* u, Expr begin, Expr end, Expr flat, const Substitution& at) {
                       const int one[] = {1};
                       const Expr value = element(k_.columns_operand, joined(with, at));
                       return peeled_loop(
                           c_, facts_, u, begin, end, one,
                           {make_store(packed_columns_, {tile, sub(flat, depth.low), c_.loop(j)}, value)});
                     }));
    Stmts all{make_for(j, c_.i64(0), c_.i64(t_.tile_columns()), LoopKind::Serial, std::move(body))};
    if (in_pieces) all = {make_for(piece, depth.low, depth.high, LoopKind::Serial, std::move(all), length)};
    return all;
  }

  /// [k][columns of the task], along the runs of the columns' innermost loop.
  Stmts pack_column_lines(TaskRange columns, TaskRange depth) {
    const LoopVar* k = c_.loop_var("k");
    Substitution with = batch_;
    Stmts body = pack_columns_depth_.at(c_.loop(k), with);
    const Expr line = sub(c_.loop(k), depth.low);
    append(body, columns_.runs(columns.low, columns.high,
                               [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                                 const Expr value = element(k_.columns_operand, joined(with, at));
                                 return spilling_loop(
                                     c_, facts_, u, low, high, t_.lanes, widths_,
                                     {make_store(packed_columns_, {line, sub(flat, columns.low)}, value)});
                               }));
    const LoopVar* rest = c_.loop_var("rest");
    const Expr count = sub(columns.high, columns.low),
               padded = mul(ceil_tiles(count, t_.tile_columns()), t_.tile_columns());
    body.push_back(make_for(rest, count, padded, LoopKind::Serial,
                            {make_store(packed_columns_, {line, c_.loop(rest)}, c_.constant(type_, 0))}));
    return {make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
  }

  Stmts pack_rows(TaskRange rows, TaskRange depth) {
    const LoopVar* tile = c_.loop_var("it");
    Stmts body;
    const Expr first = bind("i_first", add(rows.low, mul(c_.loop(tile), t_.tile_rows)), body);
    append(body, rows_along_depth_ ? pack_row_chains(c_.loop(tile), first, rows, depth)
                                   : pack_row_tile(c_.loop(tile), first, rows, depth));
    return {make_for(tile, c_.i64(0), ceil_tiles(sub(rows.high, rows.low), t_.tile_rows), LoopKind::Serial,
                     std::move(body))};
  }

  /// A vector too far at the end of a run is overwritten by the next run, or lies in the slack of the panel's row.
  Stmts pack_row_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) {
    const LoopVar* i = c_.loop_var("i");
    Stmts body;
    Substitution with = batch_;
    const Expr row = bind("row", min(add(first, c_.loop(i)), sub(rows.high, c_.i64(1))), body);
    append(body, rows_.at(row, with));
    append(body,
           pack_rows_depth_.runs(
               depth.low, depth.high, [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                 const Expr value = element(k_.rows_operand, joined(with, at));
                 return spilling_loop(c_, facts_, u, low, high, t_.lanes, widths_,
                                      {make_store(packed_rows_, {tile, c_.loop(i), sub(flat, depth.low)}, value)});
               }));
    return {make_for(i, c_.i64(0), c_.i64(t_.tile_rows), LoopKind::Serial, std::move(body))};
  }

  Stmts pack_row_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) {
    const auto lines = [&](bool is_whole) {
      const LoopVar *k = c_.loop_var("k"), *i = c_.loop_var("i");
      Substitution with = batch_;
      Stmts body = pack_rows_depth_.at(c_.loop(k), with);
      Stmts copy;
      Expr row = add(first, c_.loop(i));
      if (!is_whole || !rows_.is_linear())
        row = bind("row", is_whole ? row : min(row, sub(rows.high, c_.i64(1))), copy);
      append(copy, rows_.at(row, with));
      copy.push_back(
          make_store(packed_rows_, {tile, sub(c_.loop(k), depth.low), c_.loop(i)}, element(k_.rows_operand, with)));
      std::vector<int> widths = widths_;
      widths.insert(widths.end() - 1, 2);
      const int one[] = {1};
      const bool by_vectors = is_whole && rows_.is_linear();
      append(body, vector_tile(i, by_vectors ? t_.tile_rows : -1, t_.tile_rows,
                               by_vectors ? std::span<const int>(widths) : std::span<const int>(one), copy));
      return Stmts{make_for(k, depth.low, depth.high, LoopKind::Serial, std::move(body))};
    };
    const Expr is_whole = c_.binary(ExprOp::Le, add(first, c_.i64(t_.tile_rows)), rows.high);
    return {make_if(is_whole, lines(true), lines(false))};
  }

  // The register tile.

  Stmts row_block(TaskRange task_rows, TaskRange rows, TaskRange columns, TaskRange depth, Expr depth_end) {
    Stmts stmts = pack_rows(rows, depth);
    const LoopVar *it = c_.loop_var("it"), *jt = c_.loop_var("jt");
    Stmts body;
    const Expr first = bind("i_first", add(rows.low, mul(c_.loop(it), t_.tile_rows)), body);
    const Expr sums_row = is_one_block_ ? c_.i64(0) : bind("sums_row", sub(first, task_rows.low), body);
    body.push_back(make_for(jt, c_.i64(0), ceil_tiles(sub(columns.high, columns.low), t_.tile_columns()),
                            LoopKind::Serial, register_tile(c_.loop(it), c_.loop(jt), sums_row, depth)));
    Stmts finish = epilogue(first, min(rows.high, add(first, c_.i64(t_.tile_rows))), sums_row, columns);
    if (is_one_block_)
      append(body, finish);
    else
      body.push_back(
          make_if(c_.binary(ExprOp::Ge, add(depth.low, c_.i64(t_.depth_block)), depth_end), std::move(finish)));
    stmts.push_back(
        make_for(it, c_.i64(0), ceil_tiles(sub(rows.high, rows.low), t_.tile_rows), LoopKind::Serial, std::move(body)));
    return stmts;
  }

  Stmts register_tile(Expr it, Expr jt, Expr sums_row, TaskRange depth) {
    const int lanes = t_.lanes;
    std::vector<const Local*> sums;
    Stmts stmts, stores;
    const LoopVar* k = c_.loop_var("k");
    const Expr start = c_.broadcast(k_.start, lanes);
    for (int64_t i = 0; i < t_.tile_rows; ++i)
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        const Local* sum = c_.local(fmt::format("s{}_{}", i, v), {type_, static_cast<uint16_t>(lanes)}, true);
        const Expr column = c_.ramp(add(mul(jt, t_.tile_columns()), c_.i64(v * lanes)), 1, lanes);
        const Expr row = add(sums_row, c_.i64(i));
        const Expr reload = c_.load(sums_, {row, column});
        const Expr first =
            is_one_block_ ? start : c_.select(c_.binary(ExprOp::Eq, depth.low, c_.i64(0)), start, reload);
        stmts.push_back(make_declare(sum, first));
        stores.push_back(make_store(sums_, {row, column}, c_.read(sum)));
        sums.push_back(sum);
      }
    const Expr at = c_.loop(k);
    Stmts body;
    std::vector<Expr> columns;
    for (int64_t v = 0; v < t_.tile_vectors; ++v) {
      const Local* local = c_.local(fmt::format("c{}", v), {type_, static_cast<uint16_t>(lanes)}, false);
      const Expr load =
          columns_in_lines_
              ? c_.load(packed_columns_, {at, c_.ramp(add(mul(jt, t_.tile_columns()), c_.i64(v * lanes)), 1, lanes)})
              : c_.load(packed_columns_, {jt, at, c_.ramp(c_.i64(v * lanes), 1, lanes)});
      body.push_back(make_declare(local, load));
      columns.push_back(c_.read(local));
    }
    for (int64_t i = 0; i < t_.tile_rows; ++i) {
      const Local* row = c_.local(fmt::format("r{}", i), {type_, static_cast<uint16_t>(lanes)}, false);
      const Expr load =
          rows_along_depth_ ? c_.load(packed_rows_, {it, c_.i64(i), at}) : c_.load(packed_rows_, {it, at, c_.i64(i)});
      body.push_back(make_declare(row, c_.broadcast(load, lanes)));
      for (int64_t v = 0; v < t_.tile_vectors; ++v) {
        const Local* sum = sums[static_cast<size_t>(i * t_.tile_vectors + v)];
        body.push_back(make_assign(sum, k_.step(c_, c_.read(row), columns[static_cast<size_t>(v)], c_.read(sum))));
      }
    }
    stmts.push_back(make_for(k, c_.i64(0), sub(depth.high, depth.low), LoopKind::Serial, std::move(body)));
    append(stmts, stores);
    return stmts;
  }

  // The epilogue.

  Stmts epilogue(Expr first, Expr last, Expr sums_row, TaskRange columns) {
    const LoopVar* i = c_.loop_var("i");
    Substitution with = batch_;
    Stmts body;
    const Expr row = rows_.is_linear() ? c_.loop(i) : bind("row", c_.loop(i), body);
    append(body, rows_.at(row, with));
    const Expr sums_at = add(sums_row, sub(c_.loop(i), first));
    append(body, columns_.runs(columns.low, columns.high,
                               [&](const LoopVar* u, Expr low, Expr high, Expr flat, const Substitution& at) {
                                 Substitution all = joined(with, at);
                                 all.locals[k_.accumulator] = c_.load(sums_, {sums_at, sub(flat, columns.low)});
                                 Stmts stores;
                                 for (const StmtPtr& store : k_.epilogue)
                                   stores.push_back(make_store(store->buffer, {element(store->indices[0], all)},
                                                               element(store->value, all)));
                                 return vector_loop(c_, u, low, high, widths_, stores);
                               }));
    return {make_for(i, first, last, LoopKind::Serial, std::move(body))};
  }

  const Contraction& k_;
  LoopContext& c_;
  const ir::Facts& facts_;
  const Tiling& t_;
  std::vector<std::string>& notes_;
  DType type_;
  GroupIndex rows_, columns_, pack_rows_depth_, pack_columns_depth_;
  std::vector<int> widths_;
  bool rows_along_depth_ = false, columns_along_depth_ = false, columns_in_lines_ = false, is_one_block_ = false;
  int64_t line_ = 0;
  const Buffer *packed_rows_ = nullptr, *packed_columns_ = nullptr, *sums_ = nullptr;
  Substitution batch_;
};

}  // namespace

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

Stmts schedule_contraction(const Contraction& contraction, LoopContext& c, const ir::Facts& facts, const Tiling& tiling,
                           std::vector<std::string>& notes) {
  return Writer(contraction, c, facts, tiling, notes).write();
}

}  // namespace strata::compiler
