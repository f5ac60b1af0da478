#include "strata/ir/loops/simplify.h"

#include "strata/ir/loops/fold.h"

namespace strata::ir::loops {

bool is_splat(Expr e) { return e->op == ExprOp::Constant || e->op == ExprOp::Broadcast; }

Expr scalar_of_splat(LoopContext& context, Expr e) {
  if (e->type.lanes == 1) return e;
  return e->op == ExprOp::Broadcast ? e->args[0] : context.constant_bits(e->type.dtype, e->bits);
}

bool is_int_constant(Expr e, int64_t& value) {
  if (e->op != ExprOp::Constant || is_float(e->type.dtype)) return false;
  value = int_of_bits(e->type.dtype, e->bits);
  return true;
}

namespace {

bool is_op(Expr e, ExprOp op) { return e->op == op; }

/// A Ramp's stride is always a constant.
int64_t ramp_stride(Expr ramp) { return static_cast<int64_t>(ramp->args[1]->bits); }

int64_t wrapping_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

bool commutes_exactly(ExprOp op) {
  switch (op) {
    case ExprOp::Add:
    case ExprOp::Mul:
    case ExprOp::Min:
    case ExprOp::Max:
    case ExprOp::And:
    case ExprOp::Or:
    case ExprOp::Xor:
    case ExprOp::Eq:
    case ExprOp::Ne:
      return true;
    default:
      return false;
  }
}

/// The operations on one integer or bool type, with constants made in it.
struct Rules {
  LoopContext& context;
  ScalarType type;

  Expr number(int64_t value) const {
    return context.broadcast(context.constant_bits(type.dtype, bits_of_int(type.dtype, value)), type.lanes);
  }
  /// All ones of an integer type, true of bool.
  bool is_all_ones(int64_t value) const {
    return is_bool(type.dtype) ? value == 1 : bits_of_int(type.dtype, value) == bits_of_int(type.dtype, -1);
  }
  Expr make(ExprOp op, Expr a, Expr b) const { return context.binary(op, a, b); }

  Expr with_constant(ExprOp op, Expr a, int64_t c) const;
  Expr fold_into(ExprOp op, Expr a, int64_t c) const;
  Expr same_operands(ExprOp op, Expr a) const;
  Expr add(Expr a, Expr b) const;
  Expr sub(Expr a, Expr b) const;
  Expr ramps(ExprOp op, Expr a, Expr b) const;
};

/// op(a, c) where c is neutral or absorbing.
Expr Rules::with_constant(ExprOp op, Expr a, int64_t c) const {
  switch (op) {
    case ExprOp::Add:
    case ExprOp::Xor:
    case ExprOp::Shl:
    case ExprOp::ShrArith:
    case ExprOp::ShrLogical:
      return c == 0 ? a : nullptr;
    case ExprOp::Or:
      return c == 0 ? a : is_all_ones(c) ? number(c) : nullptr;
    case ExprOp::And:
      return c == 0 ? number(0) : is_all_ones(c) ? a : nullptr;
    case ExprOp::Mul:
      return c == 0 ? number(0) : c == 1 ? a : nullptr;
    case ExprOp::Div:
    case ExprOp::FloorDiv:
      return c == 1 ? a : nullptr;
    case ExprOp::Rem:
    case ExprOp::FloorMod:
      return c == 1 ? number(0) : nullptr;
    case ExprOp::Sub:
      return make(ExprOp::Add, a, number(wrapping_mul(c, -1)));
    default:
      return nullptr;
  }
}

/// op(op(x, c1), c2) -> op(x, c1 op c2), and (x + c1) * c2 -> x * c2 + c1 * c2.
Expr Rules::fold_into(ExprOp op, Expr a, int64_t c) const {
  int64_t inner = 0;
  if (a->arg_count != 2 || !is_int_constant(a->args[1], inner)) return nullptr;
  if (op == ExprOp::Mul && is_op(a, ExprOp::Add))
    return make(ExprOp::Add, make(ExprOp::Mul, a->args[0], number(c)), number(wrapping_mul(inner, c)));
  const bool associative = op == ExprOp::Add || op == ExprOp::Mul || op == ExprOp::And || op == ExprOp::Or ||
                           op == ExprOp::Xor || op == ExprOp::Min || op == ExprOp::Max;
  if (!associative || a->op != op) return nullptr;
  return make(op, a->args[0], make(op, number(inner), number(c)));
}

Expr Rules::same_operands(ExprOp op, Expr a) const {
  switch (op) {
    case ExprOp::Sub:
    case ExprOp::Xor:
      return number(0);
    case ExprOp::Min:
    case ExprOp::Max:
    case ExprOp::And:
    case ExprOp::Or:
      return a;
    default:
      return nullptr;
  }
}

/// Moves constants to the root of a sum, and cancels.
Expr Rules::add(Expr a, Expr b) const {
  int64_t c = 0;
  if (is_op(a, ExprOp::Add) && is_int_constant(a->args[1], c))
    return make(ExprOp::Add, make(ExprOp::Add, a->args[0], b), a->args[1]);
  if (is_op(b, ExprOp::Add) && is_int_constant(b->args[1], c))
    return make(ExprOp::Add, make(ExprOp::Add, a, b->args[0]), b->args[1]);
  if (is_op(a, ExprOp::Sub) && a->args[1] == b) return a->args[0];
  if (is_op(b, ExprOp::Sub) && b->args[1] == a) return b->args[0];
  return nullptr;
}

Expr Rules::sub(Expr a, Expr b) const {
  int64_t c = 0;
  if (is_op(a, ExprOp::Add) && is_int_constant(a->args[1], c))
    return make(ExprOp::Add, make(ExprOp::Sub, a->args[0], b), a->args[1]);
  if (is_op(b, ExprOp::Add) && is_int_constant(b->args[1], c))
    return make(ExprOp::Add, make(ExprOp::Sub, a, b->args[0]), number(wrapping_mul(c, -1)));
  if (is_op(a, ExprOp::Add) && a->args[0] == b) return a->args[1];
  if (is_op(a, ExprOp::Add) && a->args[1] == b) return a->args[0];
  return nullptr;
}

/// Whether e is a multiple of the power of two n whatever its parts are; wrapping can't change that.
bool is_multiple(Expr e, int64_t n) {
  if (e->op == ExprOp::Constant) return static_cast<int64_t>(e->bits) % n == 0;
  if (e->op == ExprOp::Mul) return is_multiple(e->args[0], n) || is_multiple(e->args[1], n);
  return (e->op == ExprOp::Add || e->op == ExprOp::Sub) && is_multiple(e->args[0], n) && is_multiple(e->args[1], n);
}

/// Whether base .. base + lanes - 1 have one quotient by `divisor`: lanes (a power of two) divides both base and
/// divisor. So the flattened index of a reduction over several axes is read by vectors.
bool stays_in_block(Expr base, int64_t divisor, int64_t lanes) {
  return divisor > 0 && (lanes & (lanes - 1)) == 0 && divisor % lanes == 0 && is_multiple(base, lanes);
}

/// Sums of ramps and splats and products with constants are ramps.
Expr Rules::ramps(ExprOp op, Expr a, Expr b) const {
  const bool ramp_a = is_op(a, ExprOp::Ramp), ramp_b = is_op(b, ExprOp::Ramp);
  if ((!ramp_a && !is_splat(a)) || (!ramp_b && !is_splat(b))) return nullptr;
  const Expr base_a = ramp_a ? a->args[0] : scalar_of_splat(context, a);
  const Expr base_b = ramp_b ? b->args[0] : scalar_of_splat(context, b);
  const int64_t stride_a = ramp_a ? ramp_stride(a) : 0, stride_b = ramp_b ? ramp_stride(b) : 0;
  if (op == ExprOp::Add) return context.ramp(make(op, base_a, base_b), wrapping_add(stride_a, stride_b), type.lanes);
  if (op == ExprOp::Sub)
    return context.ramp(make(op, base_a, base_b), wrapping_add(stride_a, wrapping_mul(stride_b, -1)), type.lanes);
  int64_t c = 0;
  if ((op == ExprOp::FloorDiv || op == ExprOp::FloorMod) && ramp_a && stride_a == 1 && is_int_constant(base_b, c) &&
      stays_in_block(base_a, c, type.lanes)) {
    const Expr first = make(op, base_a, base_b);
    return op == ExprOp::FloorDiv ? context.broadcast(first, type.lanes) : context.ramp(first, 1, type.lanes);
  }
  if (op == ExprOp::Mul && ramp_a && is_int_constant(b, c))
    return context.ramp(make(op, base_a, base_b), wrapping_mul(stride_a, c), type.lanes);
  return nullptr;
}

Expr simplify_comparison(LoopContext& context, ExprOp op, Expr a) {
  const bool value = op == ExprOp::Eq || op == ExprOp::Le || op == ExprOp::Ge;
  return context.broadcast(context.constant_bits(DType::boolean, value), a->type.lanes);
}

bool is_comparison(ExprOp op) { return op >= ExprOp::Eq && op <= ExprOp::Ge; }

}  // namespace

Expr simplify_binary(LoopContext& context, ExprOp op, Expr a, Expr b) {
  const ScalarType type = a->type;
  if (type.lanes > 1 && is_splat(a) && is_splat(b))
    return context.broadcast(context.binary(op, scalar_of_splat(context, a), scalar_of_splat(context, b)), type.lanes);
  if (is_float(type.dtype)) return nullptr;
  const Rules rules{context, type};
  int64_t left = 0, right = 0;
  const bool constant_a = is_int_constant(a, left), constant_b = is_int_constant(b, right);
  if (constant_a && constant_b) {
    const auto bits = fold_binary(op, type.dtype, a->bits, b->bits);
    return bits ? context.constant_bits(is_comparison(op) ? DType::boolean : type.dtype, *bits) : nullptr;
  }
  if (constant_a && commutes_exactly(op)) return context.binary(op, b, a);
  if (a == b && is_comparison(op)) return simplify_comparison(context, op, a);
  if (a == b)
    if (Expr same = rules.same_operands(op, a)) return same;
  if (constant_b)
    if (Expr neutral = rules.with_constant(op, a, right)) return neutral;
  if (is_op(a, ExprOp::Ramp) || is_op(b, ExprOp::Ramp))
    if (Expr ramp = rules.ramps(op, a, b)) return ramp;
  if (constant_b) return rules.fold_into(op, a, right);
  if (op == ExprOp::Add) return rules.add(a, b);
  if (op == ExprOp::Sub) return rules.sub(a, b);
  return nullptr;
}

Expr simplify_unary(LoopContext& context, ExprOp op, Expr a) {
  if (a->type.lanes > 1 && is_splat(a))
    return context.broadcast(context.unary(op, scalar_of_splat(context, a)), a->type.lanes);
  if (a->op == ExprOp::Constant)
    if (const auto bits = fold_unary(op, a->type.dtype, a->bits)) return context.constant_bits(a->type.dtype, *bits);
  if (a->op == op && !is_float(a->type.dtype) && (op == ExprOp::Neg || op == ExprOp::Not)) return a->args[0];
  if (op == ExprOp::Abs && is_unsigned_int(a->type.dtype)) return a;
  return nullptr;
}

}  // namespace strata::ir::loops
