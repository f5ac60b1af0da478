#include "strata/compiler/loop/write/lanes.h"

#include <algorithm>
#include <bit>

#include "strata/compiler/loop/nest/linear_index.h"
#include "strata/compiler/loop/write/vectorise.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

bool divides_by(const Stmts& body, const LoopVar* var) {
  bool found = false;
  for_each_stmt(body, [&](const Stmt& stmt) {
    for_each_expr(stmt, [&](Expr e) {
      found = found || any_node(e, [&](Expr node) {
                return (node->op == ExprOp::FloorDiv || node->op == ExprOp::FloorMod) && depends_on(node, var);
              });
    });
  });
  return found;
}

/// The body at lane `at` + r, with r in 0..width.
Stmts piece(LoopContext& c, const ir::Facts& facts, const Stmt& loop, const LoopVar* r, int64_t at, int64_t width) {
  LinearIndices indices(c, facts);
  indices.enter_loop(r, c.i64(0), c.i64(width));
  Substitution with;
  with.loops[loop.loop] = c.binary(ExprOp::Add, c.i64(at), c.loop(r));
  return map_exprs(substitute(c, loop.body, with), [&](Expr e) { return indices.simplify(e); });
}

/// The widest piece of at most `lanes` lanes in which no quotient differs between lanes; `lanes` if there is none.
int64_t piece_width(LoopContext& c, const ir::Facts& facts, const Stmt& loop, int64_t lanes) {
  if (!divides_by(loop.body, loop.loop)) return lanes;
  for (int64_t width = lanes; width >= 4; width /= 2) {
    const LoopVar* r = c.loop_var("r");
    if (!divides_by(piece(c, facts, loop, r, 0, width), r)) return width;
  }
  return lanes;
}

}  // namespace

Stmts unroll_lane_loops(LoopContext& c, const ir::Facts& facts, const Stmts& body, int lanes) {
  return map_stmts(body, [&](const StmtPtr& stmt) -> std::optional<Stmts> {
    if (stmt->kind != StmtKind::For || stmt->loop_kind != LoopKind::Vector) return std::nullopt;
    const auto begin = constant_value(stmt->begin), trips = constant_trip_count(c, *stmt);
    if (!begin || !trips || stmt->step != 1) return std::nullopt;
    const int64_t widest = piece_width(c, facts, *stmt, lanes);
    Stmts unrolled;
    for (int64_t at = 0; at < *trips;) {
      const auto width =
          std::min<int64_t>(widest, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(*trips - at))));
      const LoopVar* r = c.loop_var("r");
      const auto wide =
          vector_body(c, piece(c, facts, *stmt, r, *begin + at, width), r, c.i64(0), static_cast<int>(width));
      if (!wide) return std::nullopt;
      unrolled.insert(unrolled.end(), wide->begin(), wide->end());
      at += width;
    }
    return unrolled;
  });
}

}  // namespace strata::compiler
