#include "strata/compiler/loop/write/matrix_programs.h"

#include <fmt/format.h>

#include "strata/compiler/loop/nest/matrix_program.h"
#include "strata/compiler/loop/nest/strip.h"
#include "strata/compiler/loop/write/tasks.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/append.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class MatrixWriter {
 public:
  MatrixWriter(const Nest& nest, const StripSchedule& schedule, LoopContext& context, const ir::Facts& facts)
      : nest_(nest), schedule_(schedule), c_(context), facts_(facts) {}

  Stmts write() {
    std::vector<TaskAxis> axes;
    for (const NestLoop& loop : nest_.loops) axes.push_back({loop.extent, 1});
    return {tasks_of_pieces(c_, axes, [&](std::span<const TaskRange> ranges) {
      for (size_t i = 0; i < ranges.size(); ++i) outer_.loops[nest_.loops[i].var] = ranges[i].low;
      return block(nest_.body);
    })};
  }

 private:
  Stmts block(std::span<const StmtPtr> stmts) {
    Stmts made;
    for (const StmtPtr& s : stmts) append(made, statement(*s));
    return made;
  }

  Stmts statement(const Stmt& s) {
    if (s.kind == StmtKind::Alloc) return {make_alloc(s.buffer)};
    if (const auto found = read_matrix_product(s)) return product(*found);
    if (is_leaf(s)) return leaf(s);
    if (s.kind == StmtKind::If) return {make_if(here(s.value), block(s.body), block(s.otherwise))};
    if (s.kind == StmtKind::Block) return {make_block(block(s.body))};
    return around(s, [&] { return block(s.body); });
  }

  /// An expression of the naive program at the loops around this place.
  Expr here(Expr e) { return replaced(c_, facts_, e, outer_); }

  Stmts here(const Stmts& stmts) { return copy_fresh(c_, stmts, Substitution(outer_)); }

  template <class Body>
  Stmts around(const Stmt& loop, const Body& body) {
    const LoopVar* own = c_.loop_var(loop.loop->name);
    const Expr begin = here(loop.begin), end = here(loop.end);
    outer_.loops[loop.loop] = c_.loop(own);
    return {make_for(own, begin, end, LoopKind::Serial, body())};
  }

  /// Elements: the innermost loop goes by vectors.
  Stmts leaf(const Stmt& s) {
    if (s.kind != StmtKind::For) {
      const Stmts single{std::make_shared<const Stmt>(s)};
      return here(single);
    }
    const bool is_inner = s.body.empty() || s.body[0]->kind != StmtKind::For;
    if (!is_inner) return around(s, [&] { return block_of_leaf(s.body); });
    const LoopVar* u = c_.loop_var(s.loop->name);
    const Expr begin = here(s.begin), end = here(s.end);
    outer_.loops[s.loop] = c_.loop(u);
    const std::vector<int> widths = schedule_.lanes > 1 ? std::vector<int>{schedule_.lanes, 1} : std::vector<int>{1};
    return loop_in_stages(c_, u, begin, end, widths, here(s.body));
  }
  Stmts block_of_leaf(std::span<const StmtPtr> stmts) {
    Stmts made;
    for (const StmtPtr& s : stmts) append(made, leaf(*s));
    return made;
  }

  // Products.

  Stmts product(MatrixProduct p) {
    if (!p.where) return tiles(p);
    const Expr sees_all = is_known_at_corners(p) ? holds_at_corners(p) : nullptr;
    Stmts masked = tiles(p);
    if (!sees_all) return masked;
    p.where = nullptr;
    return {make_if(sees_all, tiles(p), std::move(masked))};
  }

  Expr holds_at_corners(const MatrixProduct& p) {
    const Stmt& place = p.is_where_by_row ? *p.row : *p.column;
    const int64_t places = p.is_where_by_row ? p.rows : p.columns;
    Expr all = nullptr;
    for (const int64_t step : {int64_t{0}, p.terms - 1})
      for (const int64_t at : {int64_t{0}, places - 1}) {
        outer_.loops[p.depth->loop] = c_.i64(step);
        outer_.loops[place.loop] = c_.i64(at);
        const Expr corner = here(p.where);
        all = all ? c_.binary(ExprOp::And, all, corner) : corner;
      }
    return all;
  }

  /// Rows inside, so that a tile's columns of the right side stay in the first cache.
  Stmts tiles(const MatrixProduct& p) {
    // Masks take registers.
    const int64_t vectors = p.where ? 1 : schedule_.tile_vectors;
    Stmts made;
    int64_t first = 0;
    for (int64_t width = vectors; width > 0; width = width > 1 ? 1 : 0) {
      const int64_t columns = width * schedule_.lanes, end = p.columns / columns * columns;
      if (end > first) append(made, columns_of_tiles(p, first, end, width, schedule_.lanes));
      first = std::max(first, end);
    }
    if (first < p.columns) append(made, columns_of_tiles(p, first, p.columns, 1, 1));
    return made;
  }

  Stmts columns_of_tiles(const MatrixProduct& p, int64_t first, int64_t end, int64_t vectors, int lanes) {
    constexpr int64_t kRowsOfMasked = 8;
    const int64_t most =
        p.where && schedule_.tile_vectors > 1 ? std::max(schedule_.tile_rows, kRowsOfMasked) : schedule_.tile_rows;
    const int64_t height = std::min(most, p.rows), whole = p.rows / height * height;
    const LoopVar *x = c_.loop_var(p.row->loop->name), *u = c_.loop_var(p.column->loop->name);
    const Tile tile{.rows = height, .vectors = vectors, .lanes = lanes};
    Stmts rows{
        make_for(x, c_.i64(0), c_.i64(whole), LoopKind::Serial, of_tile(p, c_.loop(x), c_.loop(u), tile), height)};
    if (whole < p.rows) append(rows, of_tile(p, c_.i64(whole), c_.loop(u), {p.rows - whole, vectors, lanes}));
    return {make_for(u, c_.i64(first), c_.i64(end), LoopKind::Serial, std::move(rows), vectors * lanes)};
  }

  struct Tile {
    int64_t rows, vectors;
    int lanes;
  };

  Stmts of_tile(const MatrixProduct& p, Expr x, Expr u, Tile tile) {
    const ScalarType type{p.accumulator->type.dtype, static_cast<uint16_t>(tile.lanes)};
    std::vector<const Local*> sums;
    Stmts made;
    for (int64_t i = 0; i < tile.rows * tile.vectors; ++i) {
      sums.push_back(c_.local(fmt::format("s{}_{}", i / tile.vectors, i % tile.vectors), type, true));
      made.push_back(make_declare(sums.back(), c_.broadcast(p.start, tile.lanes)));
    }
    const LoopVar* k = c_.loop_var(p.depth->loop->name);
    outer_.loops[p.depth->loop] = c_.loop(k);
    made.push_back(make_for(k, c_.i64(0), c_.i64(p.terms), LoopKind::Serial, step_of_tile(p, x, u, tile, sums)));
    for (int64_t i = 0; i < tile.rows; ++i) {
      outer_.loops[p.row->loop] = offset(x, i);
      for (int64_t v = 0; v < tile.vectors; ++v)
        append(made, stores(p, c_.read(sums[static_cast<size_t>(i * tile.vectors + v)]), offset(u, v * tile.lanes),
                            tile.lanes));
    }
    return made;
  }

  Stmts step_of_tile(const MatrixProduct& p, Expr x, Expr u, Tile tile, const std::vector<const Local*>& sums) {
    Stmts step;
    std::vector<Expr> columns, seen;
    const Expr zero = c_.broadcast(c_.constant(p.accumulator->type.dtype, 0), tile.lanes);
    const bool is_by_column = p.where && !p.is_where_by_row;
    for (int64_t v = 0; v < tile.vectors; ++v) {
      const Expr first = offset(u, v * tile.lanes);
      if (is_by_column)
        seen.push_back(bound(fmt::format("w{}", v), by_vector(p, p.where, first, tile.lanes, step), step));
      const Expr column = bound(fmt::format("c{}", v), by_vector(p, p.right, first, tile.lanes, step), step);
      columns.push_back(is_by_column ? bound(fmt::format("d{}", v), c_.select(seen.back(), column, zero), step)
                                     : column);
    }
    for (int64_t i = 0; i < tile.rows; ++i) {
      outer_.loops[p.row->loop] = offset(x, i);
      const Expr row = bound(fmt::format("r{}", i), c_.broadcast(here(p.left), tile.lanes), step);
      Expr counts = nullptr;
      if (p.where && p.is_where_by_row)
        counts = bound(fmt::format("w{}", i), c_.broadcast(here(p.where), tile.lanes), step);
      for (int64_t v = 0; v < tile.vectors; ++v) {
        const auto at = static_cast<size_t>(v);
        const Local* sum = sums[static_cast<size_t>(i * tile.vectors + v)];
        const Expr shown = counts ? counts : is_by_column ? seen[at] : nullptr;
        const Expr left = shown ? c_.select(shown, row, zero) : row;
        const Expr right = counts ? c_.select(counts, columns[at], zero) : columns[at];
        step.push_back(make_assign(sum, c_.fma(left, right, c_.read(sum))));
      }
    }
    return step;
  }

  Expr offset(Expr base, int64_t by) const { return c_.binary(ExprOp::Add, base, c_.i64(by)); }

  /// In a local.
  Expr bound(std::string name, Expr value, Stmts& body) {
    const Local* local = c_.local(std::move(name), value->type, false);
    body.push_back(make_declare(local, value));
    return c_.read(local);
  }

  /// Statements at columns first... of the loop variable `u`.
  Stmts vector_of(const Stmts& stmts, const LoopVar* u, Expr first, int lanes) {
    if (lanes == 1) {
      Substitution with;
      with.loops[u] = first;
      return copy_fresh(c_, stmts, std::move(with));
    }
    auto made = vector_body(c_, stmts, u, first, lanes);
    if (!made) refuse_schedule("a product's side or what is made of it has no vector form");
    return std::move(*made);
  }

  /// An expression by column as a vector of columns; what it takes is declared in `body`.
  Expr by_vector(const MatrixProduct& p, Expr e, Expr first, int lanes, Stmts& body) {
    const LoopVar* u = c_.loop_var("u");
    outer_.loops[p.column->loop] = c_.loop(u);
    const Stmts one{make_declare(c_.local("c", e->type, false), here(e))};
    Stmts made = vector_of(one, u, first, lanes);
    append(body, {made.begin(), made.end() - 1});
    return made.back()->value;
  }

  /// What is made of one vector of a product's sums.
  Stmts stores(const MatrixProduct& p, Expr sum, Expr first, int lanes) {
    // A local for the sum of one column, whose vector is then `sum`.
    const Local* one = c_.local("sum", p.accumulator->type, false);
    const LoopVar* u = c_.loop_var("u");
    outer_.locals[p.accumulator] = c_.read(one);
    outer_.loops[p.column->loop] = c_.loop(u);
    Stmts body{make_declare(one, c_.cast(p.accumulator->type.dtype, c_.loop(u)))};  // differs by column
    for (const StmtPtr& s : p.stores) {
      Stmt next = *s;
      next.value = here(next.value);
      for (Expr& index : next.indices) index = here(index);
      body.push_back(std::make_shared<const Stmt>(std::move(next)));
    }
    Stmts made = vector_of(body, u, first, lanes);
    made[0] = make_declare(made[0]->local, sum);
    return made;
  }

  const Nest& nest_;
  const StripSchedule& schedule_;
  LoopContext& c_;
  const ir::Facts& facts_;
  Substitution outer_;  ///< what loops and locals of the naive program are
};

}  // namespace

Stmts write_matrix_program(const Nest& nest, const StripSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  return MatrixWriter(nest, schedule, c, facts).write();
}

}  // namespace strata::compiler
