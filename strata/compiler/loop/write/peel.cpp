#include "strata/compiler/loop/write/peel.h"

#include "strata/compiler/loop/nest/padding.h"
#include "strata/compiler/loop/write/innermost.h"
#include "strata/compiler/loop/write/vectorise.h"
#include "strata/ir/loops/append.h"

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

}  // namespace

Stmts peeled_loop(LoopContext& c, const ir::Facts& facts, const LoopVar* var, Expr low, Expr high,
                  std::span<const int> widths, const Stmts& body) {
  PaddingConditions conditions(c, facts, var);
  conditions.collect(body);
  if (conditions.forms().empty()) return innermost_loop(c, var, low, high, widths, body);
  LinearIndices indices = conditions.indices_inside();
  const Stmts middle = map_exprs(body, [&](Expr e) { return indices.simplify(e); });
  Stmts stmts;
  Expr from = low, to = high;
  conditions.narrow(from, to);
  from = bound(c, "inner_low", c.binary(ExprOp::Min, from, high), stmts);
  to = bound(c, "inner_high", c.binary(ExprOp::Max, from, c.binary(ExprOp::Min, to, high)), stmts);
  const int one[] = {1};
  append(stmts, loop_in_stages(c, var, low, from, one, body));
  append(stmts, innermost_loop(c, var, from, to, widths, middle));
  append(stmts, loop_in_stages(c, var, to, high, one, body));
  return stmts;
}

namespace {

/// The one load of a value that is nothing but a load and casts of it.
Expr plain_load(Expr e) {
  while (e->op == ExprOp::Cast) e = e->args[0];
  return e->op == ExprOp::Load ? e : nullptr;
}

}  // namespace

Stmts spilling_loop(LoopContext& c, const ir::Facts& facts, const LoopVar* var, Expr low, Expr high, int lanes,
                    std::span<const int> widths, const Stmts& body) {
  const Stmt& store = *body[0];
  PaddingConditions conditions(c, facts, var);
  conditions.collect(body);
  LinearIndices indices = conditions.indices_inside();
  const Expr inside = indices.simplify(store.value);
  const Expr outside = store.value->op == ExprOp::Select ? store.value->args[2] : nullptr;
  const Expr load = plain_load(inside);
  const bool has_form = load && conditions.is_complete() && (!outside || outside->op == ExprOp::Constant) &&
                        (outside || conditions.forms().empty());
  const LinearIndex at = has_form ? LinearIndices(c, facts).of(load->args[0]) : LinearIndex{};
  bool is_contiguous = has_form && load->arg_count == 1 && at.coefficient(c.loop(var)) == Dim(1);
  for (const auto& [atom, coefficient] : at.terms)
    is_contiguous = is_contiguous && (atom == c.loop(var) || !depends_on(atom, var));
  if (!is_contiguous || lanes < 2) return peeled_loop(c, facts, var, low, high, widths, body);

  Stmts stmts;
  Expr from = low, to = high;
  conditions.narrow(from, to);
  from = bound(c, "inner_low", c.binary(ExprOp::Min, from, high), stmts);
  to = bound(c, "inner_high", c.binary(ExprOp::Max, from, c.binary(ExprOp::Min, to, high)), stmts);
  const auto fill = [&](Expr begin, Expr end) {
    const LoopVar* own = c.loop_var(var->name);
    const auto wide = vector_body(c, Stmts{make_store(store.buffer, store.indices, outside)}, var, c.loop(own), lanes);
    stmts.push_back(make_for(own, begin, end, LoopKind::Serial, *wide, lanes));
  };
  if (outside) fill(low, from);
  const Stmts copy{make_store(store.buffer, store.indices, inside)};
  const LoopVar* own = c.loop_var(var->name);
  const auto wide = vector_body(c, copy, var, c.loop(own), lanes);
  // The last vector reads up to lanes - 1 elements too many: not beyond the buffer.
  Substitution first;
  first.loops[var] = from;
  const Expr length = c.binary(ExprOp::Sub, to, from), width = c.i64(lanes);
  const Expr whole =
      c.binary(ExprOp::Mul, c.binary(ExprOp::FloorDiv, c.binary(ExprOp::Add, length, c.i64(lanes - 1)), width), width);
  const Expr end = c.binary(ExprOp::Add, substitute(c, load->args[0], first), whole);
  const int one[] = {1};
  stmts.push_back(make_if(c.binary(ExprOp::Le, end, c.dim(load->buffer->shape[0])),
                          {make_for(own, from, to, LoopKind::Serial, *wide, lanes)},
                          loop_in_stages(c, var, from, to, one, copy)));
  if (outside) fill(to, high);
  return stmts;
}

}  // namespace strata::compiler
