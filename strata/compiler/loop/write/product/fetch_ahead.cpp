#include "strata/compiler/loop/write/product/fetch_ahead.h"

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

Stmts steps_that_fetch(const ProductScope& scope, RowTileOf rows, const LoopVar* k, Expr low, Expr high, Stmts body,
                       const std::function<Stmts(Expr)>& fetch) {
  LoopContext& c = scope.context;
  constexpr int64_t kFewTiles = 3;
  if (rows.number && rows.count > kFewTiles) {
    // As many steps as there are row tiles, and an element of the part of low..high that is this row tile's.
    const LoopVar* part = c.loop_var("part");
    const Expr parts = scope.ceil_div(scope.sub(high, low), rows.count);
    const Expr from = scope.add(low, scope.mul(c.loop(part), rows.count));
    Stmts of_part = fetch(scope.add(low, scope.add(c.binary(ExprOp::Mul, rows.number, parts), c.loop(part))));
    of_part.push_back(
        make_for(k, from, scope.min(high, scope.add(from, c.i64(rows.count))), LoopKind::Serial, std::move(body)));
    return {make_for(part, c.i64(0), parts, LoopKind::Serial, std::move(of_part))};
  }
  if (rows.number) {
    const Expr through = scope.add(c.binary(ExprOp::Mul, rows.number, scope.sub(high, low)), scope.sub(c.loop(k), low));
    append(body,
           fetch(rows.count == 1 ? c.loop(k) : scope.add(low, c.binary(ExprOp::FloorDiv, through, c.i64(rows.count)))));
  }
  return {make_for(k, low, high, LoopKind::Serial, std::move(body))};
}

}  // namespace strata::compiler
