#include "strata/compiler/loop/write/masked_tile.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/append.h"

namespace strata::compiler {

using namespace ir::loops;
namespace {

using Stmts = std::vector<StmtPtr>;

Expr offset(LoopContext& c, Expr base, int64_t by) { return c.binary(ExprOp::Add, base, c.i64(by)); }

class TileWriter {
 public:
  TileWriter(const MaskedTile& tile, const ProgramPlace& place, const MaskedChain& chain, const LoopVar* row)
      : tile_(tile), place_(place), chain_(chain), row_(row), c_(place.context) {}

  /// The tile from row `x` and column `u` on.
  Stmts write(Expr x, Expr u) {
    const ScalarType type{chain_.accumulator->type.dtype, static_cast<uint16_t>(tile_.lanes)};
    Stmts made;
    for (int64_t i = 0; i < tile_.rows * tile_.vectors; ++i) {
      sums_.push_back(c_.local(fmt::format("s{}_{}", i / tile_.vectors, i % tile_.vectors), type, true));
      made.push_back(make_declare(sums_.back(), c_.broadcast(chain_.start, tile_.lanes)));
    }
    std::vector<const LoopVar*> depth;
    for (const Stmt* loop : chain_.depth) {
      depth.push_back(c_.loop_var(loop->loop->name));
      place_.outer.loops[loop->loop] = c_.loop(depth.back());
    }
    Stmts body = step(x, u);
    for (size_t d = depth.size(); d-- > 0;) {
      const Stmt& loop = *chain_.depth[d];
      body = {
          make_for(depth[d], place_.outside(loop.begin), place_.outside(loop.end), LoopKind::Serial, std::move(body))};
    }
    append(made, body);
    for (int64_t i = 0; i < tile_.rows; ++i) {
      place_.outer.loops[row_] = offset(c_, x, i);
      for (int64_t v = 0; v < tile_.vectors; ++v) append(made, stores(c_.read(sum(i, v)), first_of(u, v)));
    }
    return made;
  }

 private:
  const Local* sum(int64_t row, int64_t vector) const {
    return sums_[static_cast<size_t>(row * tile_.vectors + vector)];
  }
  Expr first_of(Expr u, int64_t vector) const { return offset(c_, u, vector * tile_.lanes); }

  /// Of the chain.
  Stmts step(Expr x, Expr u) const {
    Stmts made;
    std::vector<Expr> columns, seen;
    const Expr zero = c_.broadcast(c_.constant(chain_.accumulator->type.dtype, 0), tile_.lanes);
    const bool is_by_row = chain_.where && chain_.is_where_by_row, is_by_column = chain_.where && !is_by_row;
    for (int64_t v = 0; v < tile_.vectors; ++v) {
      const auto name = [&](char what) { return fmt::format("{}{}", what, v); };
      if (is_by_column) seen.push_back(bound(c_, name('w'), by_vector(chain_.where, first_of(u, v), made), made));
      const Expr column = bound(c_, name('c'), by_vector(chain_.right, first_of(u, v), made), made);
      columns.push_back(is_by_column ? bound(c_, name('d'), c_.select(seen.back(), column, zero), made) : column);
    }
    for (int64_t i = 0; i < tile_.rows; ++i) {
      place_.outer.loops[row_] = offset(c_, x, i);
      const auto by_row = [&](char what, Expr e) {
        return bound(c_, fmt::format("{}{}", what, i), c_.broadcast(place_.outside(e), tile_.lanes), made);
      };
      const Expr left = by_row('r', chain_.left), counts = is_by_row ? by_row('w', chain_.where) : nullptr;
      for (int64_t v = 0; v < tile_.vectors; ++v) {
        const auto at = static_cast<size_t>(v);
        const Expr shown = is_by_column ? seen[at] : counts;
        const Expr a = shown ? c_.select(shown, left, zero) : left;
        const Expr b = counts ? c_.select(counts, columns[at], zero) : columns[at];
        made.push_back(make_assign(sum(i, v), c_.fma(a, b, c_.read(sum(i, v)))));
      }
    }
    return made;
  }

  /// An expression by column as a vector of columns; what it takes is declared in `body`.
  Expr by_vector(Expr e, Expr first, Stmts& body) const {
    const LoopVar* u = c_.loop_var("u");
    const Stmts one{make_declare(c_.local("c", e->type, false), place_.in_column(e, c_.loop(u)))};
    const Stmts made = vector_of(one, u, first);
    append(body, {made.begin(), made.end() - 1});
    return made.back()->value;
  }

  /// Statements in the columns from `first` on, of the loop variable `u`.
  Stmts vector_of(const Stmts& stmts, const LoopVar* u, Expr first) const {
    if (tile_.lanes == 1) {
      Substitution with;
      with.loops[u] = first;
      return copy_fresh(c_, stmts, std::move(with));
    }
    auto made = vector_body(c_, stmts, u, first, tile_.lanes);
    if (!made) refuse_schedule("a product's side or what is made of it has no vector form");
    return std::move(*made);
  }

  /// What is made of one vector of the sums.
  Stmts stores(Expr sum, Expr first) const {
    // A local for the sum of one column, whose vector is then `sum`.
    const Local* one = c_.local("sum", chain_.accumulator->type, false);
    const LoopVar* u = c_.loop_var("u");
    place_.outer.locals[chain_.accumulator] = c_.read(one);
    Stmts body{make_declare(one, c_.cast(chain_.accumulator->type.dtype, c_.loop(u)))};  // differs by column
    append(body, place_.all_in_column(chain_.stores, c_.loop(u)));
    Stmts made = vector_of(body, u, first);
    made[0] = make_declare(made[0]->local, sum);
    return made;
  }

  const MaskedTile& tile_;
  const ProgramPlace& place_;
  const MaskedChain& chain_;
  const LoopVar* row_;  ///< of the naive program
  LoopContext& c_;
  std::vector<const Local*> sums_;  ///< row by row
};

}  // namespace

std::vector<StmtPtr> tiles_over_rows(const MaskedTile& tile, const ProgramPlace& place, const MaskedChain& chain,
                                     const Stmt& row, int64_t count, const LoopVar* x, Expr u) {
  LoopContext& c = place.context;
  const auto written = [&](int64_t rows, Expr first) {
    const MaskedTile part{.rows = rows, .vectors = tile.vectors, .lanes = tile.lanes};
    return TileWriter(part, place, chain, row.loop).write(first, u);
  };
  const int64_t height = std::clamp<int64_t>(count, 1, tile.rows), whole = count / height * height;
  Stmts made{make_for(x, c.i64(0), c.i64(whole), LoopKind::Serial, written(height, c.loop(x)), height)};
  if (whole < count) append(made, written(count - whole, c.i64(whole)));
  return made;
}

Expr holds_at_corners(const ProgramPlace& place, const MaskedChain& chain, const LoopVar* row, Expr count) {
  LoopContext& c = place.context;
  const Stmt& depth = *chain.depth[0];
  Expr all = nullptr;
  for (const Expr step : {place.outside(depth.begin), offset(c, place.outside(depth.end), -1)}) {
    place.outer.loops[depth.loop] = step;
    for (const Expr at : {c.i64(0), offset(c, count, -1)}) {
      if (chain.is_where_by_row) place.outer.loops[row] = at;
      const Expr corner = chain.is_where_by_row ? place.outside(chain.where) : place.in_column(chain.where, at);
      all = all ? c.binary(ExprOp::And, all, corner) : corner;
    }
  }
  return all;
}

}  // namespace strata::compiler
