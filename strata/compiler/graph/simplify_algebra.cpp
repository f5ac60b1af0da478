#include "strata/compiler/graph/simplify_algebra.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/compiler/graph/apply_rules.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::compiler {

using ir::HostArray;
using ir::Node;
using ir::Value;

namespace {

bool is(Value v, const ir::Op& op) { return v.node->op == &op; }
Value inner(Value v) { return v.node->operand(0); }
bool is_whole(Value v) { return !ir::is_float(v.dtype()); }
Value add_binary(const ir::Op& op, Value x, Value y) { return x.graph().add1(op, {x, y}); }

/// x + 0 is x for integers; for floats only when the zero is -0, because -0 + 0 is 0.
/// x - 0 is x for integers and, with the zero +0, for floats, -0 and NaN included.
Value add_nothing(const Node& n) {
  const bool adds = n.op == &ops::kAdd, subtracts = n.op == &ops::kSub;
  if (!adds && !subtracts) return {};
  const double nothing = adds && !is_whole(n.operand(0)) ? -0.0 : 0.0;
  return is_splat(n.operand(1), nothing) ? n.operand(0) : Value{};
}

/// x * 1 and x / 1 are x; NaN stays NaN. x / 1 of integers too.
Value scale_by_one(const Node& n) {
  if (n.op != &ops::kMul && n.op != &ops::kDiv) return {};
  return is_splat(n.operand(1), 1) ? n.operand(0) : Value{};
}

/// x * 0 is 0 for integers only: NaN, infinities and negative numbers forbid it for floats.
Value times_zero(const Node& n) {
  return n.op == &ops::kMul && is_whole(n.operand(0)) && is_splat(n.operand(1), 0) ? n.operand(1) : Value{};
}

/// x * -1 is -x: rounding never enters, integers wrap alike.
Value times_minus_one(const Node& n) {
  if (n.op != &ops::kMul || ir::is_unsigned_int(n.type().dtype()) || !is_splat(n.operand(1), -1)) return {};
  return n.graph->add1(ops::kNeg, {n.operand(0)});
}

/// -(-x), not not x, abs of abs or of neg, and flips of one sign that a sum, product or quotient can take over: a + -b
/// is a - b bit for bit, since rounding is symmetric; integers wrap alike. Signs of unsigned integers stay where they
/// are in quotients.
Value signs(const Node& n) {
  const ir::Op* op = n.op;
  if (op == &ops::kNeg && is(n.operand(0), ops::kNeg)) return inner(n.operand(0));
  if (op == &ops::kNot && is(n.operand(0), ops::kNot)) return inner(n.operand(0));
  if (op == &ops::kAbs && is(n.operand(0), ops::kAbs)) return n.operand(0);
  if (op == &ops::kAbs && is(n.operand(0), ops::kNeg) && !ir::is_unsigned_int(n.type().dtype()))
    return n.graph->add1(ops::kAbs, {inner(n.operand(0))});
  if (n.operand_count != 2) return {};
  const Value x = n.operand(0), y = n.operand(1);
  if (op == &ops::kAdd && is(y, ops::kNeg)) return add_binary(ops::kSub, x, inner(y));
  if (op == &ops::kAdd && is(x, ops::kNeg)) return add_binary(ops::kSub, y, inner(x));
  if (op == &ops::kSub && is(y, ops::kNeg)) return add_binary(ops::kAdd, x, inner(y));
  const bool both = is(x, ops::kNeg) && is(y, ops::kNeg);
  if (both && (op == &ops::kMul || (op == &ops::kDiv && !is_whole(x)))) return add_binary(*op, inner(x), inner(y));
  return {};
}

/// x / c is x * (1/c) bit for bit when c is a power of two whose reciprocal is a normal number: both round the same
/// real number.
Value divide_by_power_of_two(const Node& n) {
  if (n.op != &ops::kDiv || is_whole(n.operand(0))) return {};
  const auto c = splat_of(n.operand(1));
  if (!c) return {};
  int exponent = 0;
  const double value = c->get(0);
  if (!std::isfinite(value) || value == 0 || std::fabs(std::frexp(value, &exponent)) != 0.5) return {};
  const ir::DType t = c->dtype();
  const int range = t == ir::DType::f64 ? 1000 : t == ir::DType::f16 ? 13 : 120;
  if (std::abs(exponent) > range) return {};
  const Value factor = ops::constant(*n.graph, HostArray::scalar(t, 1 / value));
  return add_binary(ops::kMul, n.operand(0), ops::broadcast_to(factor, n.type().shape()));
}

/// pow with a constant exponent: 0 gives 1, even of NaN; 1 gives x; 2 is x * x, rounded once instead of by a
/// polynomial. 0.5 is not sqrt: pow(-0, 0.5) is 0 and pow(-inf, 0.5) is inf.
Value small_power(const Node& n) {
  if (n.op != &ops::kPow) return {};
  const Value x = n.operand(0), y = n.operand(1);
  if (is_splat(y, 0) || is_splat(y, -0.0)) return ops::constant_like(x, 1.0);
  if (is_splat(y, 1)) return x;
  if (is_splat(y, 2)) return add_binary(ops::kMul, x, x);
  return {};
}

/// Equal operands: max, min, and, or give x, NaN too; x - x and xor are 0 for integers and bool only (NaN, infinity).
Value equal_operands(const Node& n) {
  if (n.operand_count != 2 || !(n.operand(0) == n.operand(1))) return {};
  const Value x = n.operand(0);
  for (const ir::Op* op : {&ops::kMaximum, &ops::kMinimum, &ops::kAnd, &ops::kOr})
    if (n.op == op) return x;
  if (n.op == &ops::kXor || (n.op == &ops::kSub && is_whole(x))) return ops::constant_like(x, 0);
  return {};
}

/// Bits and truth: x and 0 is 0; x or 0, x xor 0 are x; for bool also x and true, x or true.
Value known_bits(const Node& n) {
  const bool is_and = n.op == &ops::kAnd, is_or = n.op == &ops::kOr, is_xor = n.op == &ops::kXor;
  if (!is_and && !is_or && !is_xor) return {};
  const Value x = n.operand(0), y = n.operand(1);
  if (is_splat(y, 0)) return is_and ? y : x;
  if (!ir::is_bool(x.dtype()) || !is_splat(y, 1)) return {};
  if (is_and) return x;
  return is_or ? y : n.graph->add1(ops::kNot, {x});
}

/// Positions 0..extent - 1 in i32 instead of i64; empty where `v` is something else, or there are too many.
Value narrow_positions(Value v, int64_t& extent) {
  if (!is(v, ops::kIota) || v.dtype() != ir::DType::i64) return {};
  const ir::Dim along = v.type().dim(static_cast<int>(v.node->attrs.integer("axis")));
  if (!along.is_constant() || along.constant() > std::numeric_limits<int32_t>::max()) return {};
  extent = along.constant();
  return ops::iota(v.graph(), v.type().with_dtype(ir::DType::i32), v.node->attrs.integer("axis"));
}

/// Positions compared with positions, or with numbers that are repeated: in i32, of which a vector holds twice as many.
/// What lies outside of the positions is compared as the nearest number that does, too.
Value compare_in_words(const Node& n) {
  const ir::Op* const compares[] = {&ops::kEq, &ops::kNe, &ops::kLt, &ops::kLe, &ops::kGt, &ops::kGe};
  if (std::ranges::find(compares, n.op) == std::end(compares)) return {};
  int64_t extent = 0, other = 0;
  const Value x = n.operand(0), y = n.operand(1);
  Value a = narrow_positions(x, extent), b = narrow_positions(y, other);
  if (!a.node && !b.node) return {};
  const auto narrowed = [](Value v, int64_t count) -> Value {
    if (!is(v, ops::kBroadcast)) return {};
    const Value each = inner(v), low = ops::constant_like(each, -1.0),
                high = ops::constant_like(each, static_cast<double>(count));
    const Value near = add_binary(ops::kMinimum, add_binary(ops::kMaximum, each, low), high);
    const Value word = v.graph().add1(ops::kCast, {near}, {ir::Attr("to", ir::DType::i32)});
    return ops::broadcast(word, v.type().shape(), v.node->attrs.ints("axes"));
  };
  if (!a.node) a = narrowed(x, other);
  if (!b.node) b = narrowed(y, extent);
  return a.node && b.node ? add_binary(*n.op, a, b) : Value{};
}

constexpr NodeRule kRules[] = {add_nothing, scale_by_one,   times_zero, times_minus_one, signs, divide_by_power_of_two,
                               small_power, equal_operands, known_bits, compare_in_words};

}  // namespace

std::unique_ptr<ir::Graph> simplify_algebra(const ir::Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
