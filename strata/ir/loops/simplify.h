// The rules by which LoopContext simplifies as it makes: exact in wrapping integer arithmetic, silent on floats.
//
// Each rule strictly shrinks the expression or moves a constant towards the root, so that making ends, and a node on
// which no rule fires is made as it stands: rebuilding an expression from its parts gives the same expression.
#pragma once

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// All lanes hold the same value by construction: a Constant or a Broadcast.
bool is_splat(Expr e);
/// One lane of a splat.
Expr scalar_of_splat(LoopContext& context, Expr e);

/// The value of an integer or bool constant.
bool is_int_constant(Expr e, int64_t& value);

/// The simpler form of op(a, b), operands of one type; nullptr if no rule fires.
Expr simplify_binary(LoopContext& context, ExprOp op, Expr a, Expr b);
Expr simplify_unary(LoopContext& context, ExprOp op, Expr a);

}  // namespace strata::ir::loops
