#include "strata/compiler/loop/poly/ast_expressions.h"

#include <fmt/format.h>
#include <isl/ast.h>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler::poly {

using namespace ir::loops;

namespace {

struct OpName {
  isl_ast_expr_op_type type;
  ExprOp op;
};

/// Operations of two or more operands, from left to right. isl's divisions round down or leave no rest.
constexpr OpName kOps[] = {
    {isl_ast_expr_op_and, ExprOp::And},         {isl_ast_expr_op_and_then, ExprOp::And},
    {isl_ast_expr_op_or, ExprOp::Or},           {isl_ast_expr_op_or_else, ExprOp::Or},
    {isl_ast_expr_op_max, ExprOp::Max},         {isl_ast_expr_op_min, ExprOp::Min},
    {isl_ast_expr_op_add, ExprOp::Add},         {isl_ast_expr_op_sub, ExprOp::Sub},
    {isl_ast_expr_op_mul, ExprOp::Mul},         {isl_ast_expr_op_div, ExprOp::FloorDiv},
    {isl_ast_expr_op_fdiv_q, ExprOp::FloorDiv}, {isl_ast_expr_op_pdiv_q, ExprOp::FloorDiv},
    {isl_ast_expr_op_pdiv_r, ExprOp::FloorMod}, {isl_ast_expr_op_zdiv_r, ExprOp::FloorMod},
    {isl_ast_expr_op_eq, ExprOp::Eq},           {isl_ast_expr_op_le, ExprOp::Le},
    {isl_ast_expr_op_lt, ExprOp::Lt},           {isl_ast_expr_op_ge, ExprOp::Ge},
    {isl_ast_expr_op_gt, ExprOp::Gt},
};

/// An i64 expression of dimensions as a dimension.
std::optional<ir::Dim> dim_of(Expr e) {
  if (e->op == ExprOp::Constant) return ir::Dim(static_cast<int64_t>(e->bits));
  if (e->op == ExprOp::DimSymbol) return ir::Dim::symbol(e->symbol);
  if (e->arg_count != 2) return std::nullopt;
  const auto a = dim_of(e->args[0]), b = dim_of(e->args[1]);
  if (!a || !b) return std::nullopt;
  switch (e->op) {
    case ExprOp::Add:
      return *a + *b;
    case ExprOp::Sub:
      return *a - *b;
    case ExprOp::Mul:
      return *a * *b;
    case ExprOp::FloorDiv:
      return floor_div(*a, *b);
    case ExprOp::Min:
      return min(*a, *b);
    case ExprOp::Max:
      return max(*a, *b);
    default:
      return std::nullopt;
  }
}

}  // namespace

Expr AstExpressions::operator()(const isl::ast_expr& e) const {
  if (e.isa<isl::ast_expr_int>()) return c_.i64(e.as<isl::ast_expr_int>().val().num_si());
  if (e.isa<isl::ast_expr_id>()) {
    const std::string name = e.as<isl::ast_expr_id>().id().name();
    const auto found = names_.find(name);
    if (found == names_.end()) throw base::Error(base::code::kBug, fmt::format("isl made up the name {}", name));
    return found->second;
  }
  return operation(e.as<isl::ast_expr_op>());
}

std::optional<ir::Dim> AstExpressions::dim(const isl::ast_expr& e) const { return dim_of((*this)(e)); }

Expr AstExpressions::condition(const isl::ast_expr& e) const {
  const Expr made = (*this)(e);
  return made->type.dtype == ir::DType::boolean ? made : c_.binary(ExprOp::Ne, made, c_.i64(0));
}

Expr AstExpressions::operation(const isl::ast_expr_op& e) const {
  const isl_ast_expr_op_type type = isl_ast_expr_op_get_type(e.get());
  if (type == isl_ast_expr_op_minus) return c_.binary(ExprOp::Sub, c_.i64(0), (*this)(e.arg(0)));
  if (type == isl_ast_expr_op_cond || type == isl_ast_expr_op_select)
    return c_.select(condition(e.arg(0)), (*this)(e.arg(1)), (*this)(e.arg(2)));
  for (const auto& [known, op] : kOps) {
    if (known != type) continue;
    const bool is_logical = op == ExprOp::And || op == ExprOp::Or;
    const auto operand = [&](unsigned i) {
      const isl::ast_expr arg = e.arg(static_cast<int>(i));
      return is_logical ? condition(arg) : (*this)(arg);
    };
    Expr made = operand(0);
    for (unsigned i = 1; i < e.n_arg(); ++i) made = c_.binary(op, made, operand(i));
    return made;
  }
  throw base::Error(base::code::kBug, fmt::format("isl used an operation that is not known: {}", e.to_C_str()));
}

}  // namespace strata::compiler::poly
