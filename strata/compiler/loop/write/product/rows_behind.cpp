#include "strata/compiler/loop/write/product/rows_behind.h"

#include "strata/compiler/loop/nest/access.h"
#include "strata/compiler/loop/nest/rows_behind.h"
#include "strata/compiler/loop/write/elements.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// The number of the row of the result at which the loops of a product stand.
Expr number_of_row(const ProductScope& scope, const Substitution& at) {
  const Contraction& k = scope.contraction;
  Expr number = scope.context.i64(0);
  for (const LoopGroup* group : {&k.batch, &k.rows, &k.columns})
    for (const NestLoop& loop : group->loops)
      if (const auto rows = exact_quotient(step_in_result(k, loop, scope.context, scope.facts), k.behind->length))
        number = scope.add(number, scope.context.binary(ExprOp::Mul, at.loops.at(loop.var), scope.context.dim(*rows)));
  return number;
}

}  // namespace

Stmts rows_behind(const ProductScope& scope, TaskRange rows, TaskRange columns) {
  LoopContext& c = scope.context;
  const RowsBehind& behind = *scope.contraction.behind;
  const WholeRows whole = *whole_rows(scope.contraction, c, scope.facts);
  const LoopVar *i = c.loop_var("row"), *j = c.loop_var("row");
  Substitution at = scope.outer;
  Stmts body;
  const Expr row = scope.bind("r", scope.mul(c.loop(i), whole.rows), body),
             column = scope.bind("c", scope.mul(c.loop(j), whole.columns), body);
  append(body, scope.rows.at(row, at));
  append(body, scope.columns.at(column, at));
  Expr rest = scope.bind("number", number_of_row(scope, at), body);
  Substitution kept;
  for (size_t a = behind.kept.size(); a-- > 0;) {
    const NestLoop& loop = behind.kept[a];
    const Expr extent = c.dim(loop.extent);
    kept.loops[loop.var] =
        a == 0 ? rest : scope.bind(loop.var->name.c_str(), c.binary(ExprOp::FloorMod, rest, extent), body);
    if (a > 0) rest = scope.bind("rest", c.binary(ExprOp::FloorDiv, rest, extent), body);
  }
  const bool has_lanes = has_lane_loops(Nest{{}, behind.body});
  append(body,
         substitute(c, stages_of_row(behind.body, has_lanes ? scope.tiling.lanes : 0, scope.widths, c, scope.facts),
                    kept));
  const auto over = [&](const LoopVar* var, TaskRange range, int64_t piece, Stmts inner) -> Stmts {
    const auto rows_before = [&](Expr flat) { return c.binary(ExprOp::FloorDiv, flat, c.i64(piece)); };
    return {make_for(var, rows_before(range.low), rows_before(range.high), LoopKind::Serial, std::move(inner))};
  };
  return over(i, rows, whole.rows, over(j, columns, whole.columns, std::move(body)));
}

}  // namespace strata::compiler
