#include "strata/compiler/loop/write/matrix_programs.h"

#include "strata/compiler/loop/nest/matrix_program.h"
#include "strata/compiler/loop/nest/strip.h"
#include "strata/compiler/loop/write/masked_tile.h"
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
  MatrixWriter(const Nest& nest, const MatrixSchedule& schedule, LoopContext& context, const ir::Facts& facts)
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

  ProgramPlace place_of(const MatrixProduct& p) {
    const LoopVar* column = p.column->loop;
    const auto in_column = [this, column](Expr e, Expr u) {
      outer_.loops[column] = u;
      return here(e);
    };
    const auto all_in_column = [in_column](const Stmts& stmts, Expr u) {
      return map_exprs(stmts, [&](Expr e) { return in_column(e, u); });
    };
    return {.context = c_,
            .outer = outer_,
            .outside = [this](Expr e) { return here(e); },
            .in_column = in_column,
            .all_in_column = all_in_column};
  }

  Stmts product(MatrixProduct p) {
    MaskedChain& k = p.chain;
    if (!k.where) return tiles(p);
    Expr sees_all = nullptr;
    if (is_known_at_corners(k, (k.is_where_by_row ? p.row : p.column)->loop))
      sees_all = holds_at_corners(place_of(p), k, p.row->loop, c_.i64(k.is_where_by_row ? p.rows : p.columns));
    Stmts masked = tiles(p);
    if (!sees_all) return masked;
    k.where = nullptr;
    return {make_if(sees_all, tiles(p), std::move(masked))};
  }

  /// Rows inside, so that a tile's columns of the right side stay in the first cache.
  Stmts tiles(const MatrixProduct& p) {
    const int64_t vectors = p.chain.where ? 1 : schedule_.tile_vectors;
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
    const MaskedTile tile{
        .rows = p.chain.where ? schedule_.masked_rows : schedule_.tile_rows, .vectors = vectors, .lanes = lanes};
    const LoopVar *x = c_.loop_var(p.row->loop->name), *u = c_.loop_var(p.column->loop->name);
    Stmts rows = tiles_over_rows(tile, place_of(p), p.chain, *p.row, p.rows, x, c_.loop(u));
    return {make_for(u, c_.i64(first), c_.i64(end), LoopKind::Serial, std::move(rows), vectors * lanes)};
  }

  const Nest& nest_;
  const MatrixSchedule& schedule_;
  LoopContext& c_;
  const ir::Facts& facts_;
  Substitution outer_;  ///< what loops and locals of the naive program are
};

}  // namespace

Stmts write_matrix_program(const Nest& nest, const MatrixSchedule& schedule, LoopContext& c, const ir::Facts& facts) {
  return MatrixWriter(nest, schedule, c, facts).write();
}

}  // namespace strata::compiler
