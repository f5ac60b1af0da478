#include "strata/compiler/loop/poly/register_tile.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler::poly {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

class TileFinder {
 public:
  TileFinder(const ControlPart& part, const Phase& phase, const RegisterOptions& options, const IslSession& isl)
      : part_(part), phase_(phase), options_(options), isl_(isl) {}

  std::optional<RegisterTile> find() {
    const bool is_cut = std::ranges::none_of(phase_.sizes, [](int64_t size) { return size == 0; });
    if (phase_.innermost < 0 || phase_.members < 2 || !is_cut) return std::nullopt;
    for (size_t s = 0; s < part_.statements.size(); ++s)
      if (is_update(part_.statements[s]) && choose(s)) {
        find_full(part_.statements[s]);
        if (!tile_.full.is_empty() && is_alone(part_.statements[s])) return tile_;
      }
    return std::nullopt;
  }

 private:
  /// One store without a mask, of an element that its value is made of.
  bool is_update(const Statement& statement) const {
    const Stmt& stmt = *statement.stmt;
    if (stmt.kind != StmtKind::Store || stmt.mask || statement.loops.size() != phase_.members) return false;
    if (statement.domain.intersect(phase_.domain).is_empty()) return false;
    return any_node(stmt.value,
                    [&](Expr e) {
                      return e->op == ExprOp::Load && e->buffer == stmt.buffer &&
                             std::ranges::equal(std::span(e->args, e->arg_count), stmt.indices);
                    }) &&
           !part_.arrays[part_.array_of(stmt.buffer)].is_private;
  }

  bool choose(size_t number) {
    const Statement& statement = part_.statements[number];
    const auto write = std::ranges::find_if(statement.accesses, &ArrayAccess::is_write);
    tile_ = {.statement = number,
             .vector = static_cast<size_t>(phase_.innermost),
             .full = isl_.union_set("{ }"),
             .origins = isl_.union_set("{ }")};
    std::optional<size_t> sum;
    for (size_t m = 0; m < phase_.members; ++m) {
      tile_.steps.push_back(step_along(phase_, m, statement, isl_));
      if (tile_.steps.back().empty()) return false;
      const Stride stride = stride_along(phase_, m, statement, *write, isl_);
      if (m == tile_.vector) {
        if (stride != Stride::Contiguous) return false;
      } else if (stride == Stride::None) {
        sum = m;
      }
    }
    if (!sum) return false;
    tile_.sum = *sum;
    for (size_t m = phase_.members; m-- > 0;)
      if (m != tile_.sum && m != tile_.vector) {
        if (!tile_.row)
          tile_.row = m;
        else
          tile_.others.push_back(m);
      }
    tile_.lanes = options_.lanes;
    const auto fitting = [](int64_t wanted, int64_t size) {
      while (size % wanted) --wanted;
      return wanted;
    };
    if (phase_.sizes[tile_.vector] % tile_.lanes) return false;
    tile_.vectors = fitting(options_.vectors, phase_.sizes[tile_.vector] / tile_.lanes);
    tile_.rows = tile_.row ? fitting(options_.rows, phase_.sizes[*tile_.row]) : 1;
    return true;
  }

  /// Tiles whose every point is an iteration of the statement, and where no other statement has one.
  void find_full(const Statement& statement) {
    std::vector<std::string> tiles, lowest;
    for (size_t m = 0; m < phase_.members; ++m) {
      tiles.push_back(fmt::format("floor(a{}/{})", m, phase_.sizes[m]));
      lowest.push_back(fmt::format("a{} mod {} = 0", m, phase_.sizes[m]));
    }
    const std::string point = names("a", phase_.members);
    const isl::map to_tile = isl_.map(fmt::format("{{ [{}] -> [{}] }}", point, fmt::join(tiles, ", ")));
    const isl::union_set own(statement.domain);
    const isl::union_map to_band = phase_.band.intersect_domain(own);
    const isl::set points = phase_.domain.intersect(own).apply(to_band).as_set();
    const isl::set hull = points.apply(to_tile);
    const isl::set all = hull.apply(to_tile.reverse());
    isl::set full = hull.subtract(all.subtract(points).apply(to_tile));
    const isl::union_set others = phase_.domain.subtract(own).apply(phase_.band);
    if (!others.is_empty()) full = full.subtract(others.as_set().apply(to_tile));
    full = full.coalesce();
    const isl::union_map tiles_of = to_band.apply_range(isl::union_map(to_tile));
    tile_.full = tiles_of.intersect_range(isl::union_set(full)).domain().coalesce();
    const isl::set low = isl_.set(fmt::format("{{ [{}] : {} }}", point, fmt::join(lowest, " and ")));
    tile_.origins = to_band.intersect_range(isl::union_set(low)).domain().intersect(tile_.full).coalesce();
  }

  /// Nothing in a full tile reads what the statement writes there, but its own update.
  bool is_alone(const Statement& statement) const {
    std::vector<std::string> tiles;
    for (size_t m = 0; m < phase_.members; ++m) tiles.push_back(fmt::format("floor(a{}/{})", m, phase_.sizes[m]));
    const isl::union_map tile = phase_.band.intersect_domain(tile_.full)
                                    .apply_range(isl_.union_map(fmt::format(
                                        "{{ [{}] -> [{}] }}", names("a", phase_.members), fmt::join(tiles, ", "))));
    const isl::union_map together = tile.apply_range(tile.reverse());
    const isl::map write = std::ranges::find_if(statement.accesses, &ArrayAccess::is_write)->relation;
    return std::ranges::all_of(statement.accesses, [&](const ArrayAccess& access) {
      if (access.is_write || access.relation.is_equal(write)) return true;
      const isl::union_map meets = isl::union_map(access.relation).apply_range(isl::union_map(write).reverse());
      return meets.intersect(together).is_empty();
    });
  }

  const ControlPart& part_;
  const Phase& phase_;
  const RegisterOptions& options_;
  const IslSession& isl_;
  RegisterTile tile_;
};

class TileWriter {
 public:
  TileWriter(LoopContext& context, const ControlPart& part, const Phase& phase, const RegisterTile& tile,
             const std::vector<Expr>& origin)
      : c_(context), statement_(part.statements[tile.statement]), phase_(phase), tile_(tile), origin_(origin) {}

  Stmts write() {
    const int64_t width = tile_.vectors * tile_.lanes;
    const LoopVar* column = c_.loop_var("column");
    at_[tile_.vector] = c_.loop(column);
    const LoopVar* row = c_.loop_var("row");
    if (tile_.row) at_[*tile_.row] = c_.loop(row);
    std::vector<const LoopVar*> outside;
    for (const size_t m : tile_.others) at_[m] = c_.loop(outside.emplace_back(c_.loop_var("outer")));
    Stmts made = registers();
    made = {make_for(column, c_.i64(0), c_.i64(phase_.sizes[tile_.vector]), LoopKind::Serial, std::move(made), width)};
    if (tile_.row)
      made = {
          make_for(row, c_.i64(0), c_.i64(phase_.sizes[*tile_.row]), LoopKind::Serial, std::move(made), tile_.rows)};
    for (size_t i = 0; i < outside.size(); ++i)
      made = {
          make_for(outside[i], c_.i64(0), c_.i64(phase_.sizes[tile_.others[i]]), LoopKind::Serial, std::move(made))};
    return made;
  }

 private:
  /// The element's loads, the loop over the sum, the stores.
  Stmts registers() {
    const LoopVar* step = c_.loop_var("step");
    Stmts before, body, after;
    for (int64_t r = 0; r < tile_.rows; ++r)
      for (int64_t v = 0; v < tile_.vectors; ++v) {
        const Stmt& stmt = *statement_.stmt;
        std::vector<Expr> element;
        at_[tile_.sum] = c_.i64(0);
        Substitution first = at(r, v);
        for (const Expr index : stmt.indices) element.push_back(substitute(c_, index, first));
        const ScalarType type = ScalarType{stmt.buffer->dtype}.with_lanes(tile_.lanes);
        const Local* waiting = c_.local(fmt::format("acc{}_{}", r, v), type, true);
        before.push_back(make_declare(waiting, c_.load(stmt.buffer, element)));
        after.push_back(make_store(stmt.buffer, element, c_.read(waiting)));
        at_[tile_.sum] = c_.loop(step);
        body.push_back(make_assign(waiting, value(at(r, v), waiting)));
      }
    before.push_back(make_for(step, c_.i64(0), c_.i64(phase_.sizes[tile_.sum]), LoopKind::Serial, std::move(body)));
    before.insert(before.end(), after.begin(), after.end());
    return before;
  }

  /// The statement's loops for the lanes of vector v in row r.
  Substitution at(int64_t r, int64_t v) {
    Substitution with;
    for (size_t l = 0; l < statement_.loops.size(); ++l) {
      Expr base = origin_[l];
      int64_t stride = 0;
      for (size_t m = 0; m < phase_.members; ++m) {
        const int64_t step = tile_.steps[m][l];
        if (step == 0) continue;
        Expr place = at_.at(m);
        if (tile_.row && m == *tile_.row) place = c_.binary(ExprOp::Add, place, c_.i64(r));
        if (m == tile_.vector) {
          place = c_.binary(ExprOp::Add, place, c_.i64(v * tile_.lanes));
          stride = step;
        }
        base = c_.binary(ExprOp::Add, base, c_.binary(ExprOp::Mul, place, c_.i64(step)));
      }
      with.loops[statement_.loops[l]] = stride && tile_.lanes > 1 ? c_.ramp(base, stride, tile_.lanes) : base;
    }
    return with;
  }

  Expr value(const Substitution& with, const Local* waiting) {
    const Stmt& stmt = *statement_.stmt;
    // The update's own element first: what it is replaced by has no loop variable.
    ExprRewriter own(c_, [&](Expr e) -> Expr {
      const bool is_own = e->op == ExprOp::Load && e->buffer == stmt.buffer &&
                          std::ranges::equal(std::span(e->args, e->arg_count), stmt.indices);
      if (is_own) return c_.read(waiting);
      return e->op == ExprOp::Loop && with.loops.contains(e->loop) ? with.loops.at(e->loop) : nullptr;
    });
    const Expr made = own(stmt.value);
    return made->type.lanes == tile_.lanes ? made : c_.broadcast(made, tile_.lanes);
  }

  LoopContext& c_;
  const Statement& statement_;
  const Phase& phase_;
  const RegisterTile& tile_;
  const std::vector<Expr>& origin_;
  std::map<size_t, Expr> at_;  ///< by member: the distance from the origin
};

}  // namespace

std::optional<RegisterTile> find_register_tile(const ControlPart& part, const Phase& phase,
                                               const RegisterOptions& options, const IslSession& isl) {
  return TileFinder(part, phase, options, isl).find();
}

Stmts write_register_tile(LoopContext& context, const ControlPart& part, const Phase& phase, const RegisterTile& tile,
                          const std::vector<Expr>& origin) {
  return TileWriter(context, part, phase, tile, origin).write();
}

}  // namespace strata::compiler::poly
