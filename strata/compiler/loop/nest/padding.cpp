#include "strata/compiler/loop/nest/padding.h"

#include <cstdlib>

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

void PaddingConditions::collect(const std::vector<StmtPtr>& body) {
  for_each_stmt(body, [&](const Stmt& stmt) {
    if (stmt.value)
      for_each_node(stmt.value, [&](Expr e) {
        if (e->op == ExprOp::Select) condition(e->args[0]);
      });
  });
}

void PaddingConditions::narrow(Expr& low, Expr& high) {
  Expr holds = nullptr;
  for (const LinearIndex& form : forms_) {
    const Dim coefficient = form.coefficient(var_);
    const LinearIndex rest = indices_.plus(form, {0, {{var_, coefficient}}}, -1);
    const Expr value = indices_.expr(rest);
    const int64_t factor = coefficient.constant();
    const Expr steps =
        std::abs(factor) > 1 ? c_.binary(ExprOp::FloorDiv, value, c_.i64(std::abs(factor))) : value;  // to the border
    if (factor > 0) low = c_.binary(ExprOp::Max, low, c_.binary(ExprOp::Sub, c_.i64(0), steps));
    if (factor < 0) high = c_.binary(ExprOp::Min, high, c_.binary(ExprOp::Add, steps, c_.i64(1)));
    if (factor != 0) continue;
    const Expr here = c_.binary(ExprOp::Le, c_.i64(0), value);
    holds = holds ? c_.binary(ExprOp::And, holds, here) : here;
  }
  if (holds) high = c_.select(holds, high, low);
  high = c_.binary(ExprOp::Max, high, low);
}

LinearIndices PaddingConditions::indices_inside() const {
  LinearIndices indices(c_, facts_);
  for (const LinearIndex& form : forms_) indices.assume_not_negative(form);
  return indices;
}

void PaddingConditions::condition(Expr e) {
  if (e->op == ExprOp::And) {
    condition(e->args[0]);
    condition(e->args[1]);
    return;
  }
  const bool is_order = e->op == ExprOp::Lt || e->op == ExprOp::Le || e->op == ExprOp::Gt || e->op == ExprOp::Ge;
  if (!is_order || !(e->args[0]->type == ScalarType{DType::i64, 1}) || reads_memory(e)) {
    is_complete_ = false;
    return;
  }
  LinearIndex a = indices_.of(e->args[0]), b = indices_.of(e->args[1]);
  if (e->op == ExprOp::Gt || e->op == ExprOp::Ge) std::swap(a, b);
  LinearIndex form = indices_.plus(b, a, -1);
  if (e->op == ExprOp::Lt || e->op == ExprOp::Gt) form.constant = form.constant - 1;
  const Dim coefficient = form.coefficient(var_);
  bool is_simple = coefficient.is_constant();
  for (const auto& [atom, c] : form.terms) is_simple = is_simple && (atom == var_ || !depends_on(atom, var_->loop));
  is_complete_ = is_complete_ && is_simple;
  if (is_simple) forms_.push_back(form);
}

Expr inside_of_padding(LoopContext& c, const ir::Facts& facts, Expr value) {
  PaddingConditions conditions(c, facts, c.loop_var("none"));
  conditions.collect({make_declare(c.local("value", value->type, false), value)});
  return conditions.indices_inside().simplify(value);
}

}  // namespace strata::compiler
