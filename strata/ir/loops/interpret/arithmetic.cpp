// One function per op and element type, over all lanes of its operands. Steps are found once, when a kernel is
// compiled.
#include "strata/ir/loops/huge_angle.h"
#include "strata/ir/loops/interpret/program.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/scalar_semantics.h"

namespace strata::ir::loops {
namespace {

/// Lambdas without captures are default constructible, so a Step can be made from the type of one.
template <class T, class R, class F>
const Instruction* unary_step(Frame& frame, const Instruction* in) {
  const uint64_t* a = &frame.registers[in->a];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) dst[l] = lane_bits<R>(static_cast<R>(F{}(lane_value<T>(a[l]))));
  return in + 1;
}
template <class T, class R, class F>
const Instruction* binary_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l)
    dst[l] = lane_bits<R>(static_cast<R>(F{}(lane_value<T>(a[l]), lane_value<T>(b[l]))));
  return in + 1;
}
/// `F`: of three numbers.
template <class T, class F>
const Instruction* fma_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b], *c = &frame.registers[in->c];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l)
    dst[l] = lane_bits<T>(F{}(lane_value<T>(a[l]), lane_value<T>(b[l]), lane_value<T>(c[l])));
  return in + 1;
}
const Instruction* select_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b], *c = &frame.registers[in->c];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) dst[l] = a[l] ? b[l] : c[l];
  return in + 1;
}

template <class T, class F>
Step fused(F) {
  return fma_step<T, F>;
}
template <class T, class F>
Step unary(F) {
  return unary_step<T, T, F>;
}
template <class T, class F>
Step binary(F) {
  return binary_step<T, T, F>;
}
template <class T, class F>
Step compare(F) {
  return binary_step<T, bool, F>;
}

template <LoopFloat T>
Step float_only(ExprOp op) {
  switch (op) {
    case ExprOp::Neg:
      return unary<T>([](T a) { return -a; });
    case ExprOp::Abs:
      return unary<T>([](T a) { return std::fabs(a); });
    case ExprOp::Sqrt:
      return unary<T>([](T a) { return std::sqrt(a); });
    case ExprOp::Floor:
      return unary<T>([](T a) { return std::floor(a); });
    case ExprOp::Ceil:
      return unary<T>([](T a) { return std::ceil(a); });
    case ExprOp::RoundEven:
      return unary<T>([](T a) { return std::nearbyint(a); });
    case ExprOp::Trunc:
      return unary<T>([](T a) { return std::trunc(a); });
    case ExprOp::HugeAngle:
      return unary<T>([](T a) { return static_cast<T>(huge_angle(a)); });
    case ExprOp::HugeQuadrant:
      return unary<T>([](T a) { return static_cast<T>(huge_quadrant(a)); });
    case ExprOp::Add:
      return binary<T>([](T a, T b) { return a + b; });
    case ExprOp::Sub:
      return binary<T>([](T a, T b) { return a - b; });
    case ExprOp::Mul:
      return binary<T>([](T a, T b) { return a * b; });
    case ExprOp::CopySign:
      return binary<T>([](T a, T b) { return std::copysign(a, b); });
    case ExprOp::Fma:
      return fused<T>([](T a, T b, T c) { return std::fma(a, b, c); });
    case ExprOp::FmaFlushed:
      return fused<T>([](T a, T b, T c) { return flushed_fma(a, b, c); });
    default:
      return nullptr;
  }
}

template <LoopInt T>
Step int_only(ExprOp op) {
  using U = uint64_t;
  switch (op) {
    case ExprOp::Neg:
      return unary<T>([](T a) { return wrap<T>(0 - static_cast<U>(a)); });
    case ExprOp::Abs:
      return unary<T>([](T a) { return a < 0 ? wrap<T>(0 - static_cast<U>(a)) : a; });
    case ExprOp::Not:
      return unary<T>([](T a) { return wrap<T>(~static_cast<U>(a)); });
    case ExprOp::Add:
      return binary<T>([](T a, T b) { return wrap<T>(static_cast<U>(a) + static_cast<U>(b)); });
    case ExprOp::Sub:
      return binary<T>([](T a, T b) { return wrap<T>(static_cast<U>(a) - static_cast<U>(b)); });
    case ExprOp::Mul:
      return binary<T>([](T a, T b) { return wrap<T>(static_cast<U>(a) * static_cast<U>(b)); });
    case ExprOp::FloorDiv:
      return binary<T>([](T a, T b) { return floor_div_scalar(a, b); });
    case ExprOp::FloorMod:
      return binary<T>([](T a, T b) { return floor_mod_scalar(a, b); });
    case ExprOp::And:
      return binary<T>([](T a, T b) { return a & b; });
    case ExprOp::Or:
      return binary<T>([](T a, T b) { return a | b; });
    case ExprOp::Xor:
      return binary<T>([](T a, T b) { return a ^ b; });
    case ExprOp::Shl:
      return binary<T>([](T a, T b) { return shl_scalar(a, b); });
    case ExprOp::ShrArith:
      return binary<T>([](T a, T b) { return shr_arith_scalar(a, b); });
    case ExprOp::ShrLogical:
      return binary<T>([](T a, T b) { return shr_logical_scalar(a, b); });
    default:
      return nullptr;
  }
}

template <class T>
Step number(ExprOp op) {
  switch (op) {
    case ExprOp::Div:
      return binary<T>([](T a, T b) { return div_scalar(a, b); });
    case ExprOp::Rem:
      return binary<T>([](T a, T b) { return rem_scalar(a, b); });
    case ExprOp::Min:
      return binary<T>([](T a, T b) { return min_scalar(a, b); });
    case ExprOp::Max:
      return binary<T>([](T a, T b) { return max_scalar(a, b); });
    case ExprOp::Eq:
      return compare<T>([](T a, T b) { return a == b; });
    case ExprOp::Ne:
      return compare<T>([](T a, T b) { return a != b; });
    case ExprOp::Lt:
      return compare<T>([](T a, T b) { return a < b; });
    case ExprOp::Le:
      return compare<T>([](T a, T b) { return a <= b; });
    case ExprOp::Gt:
      return compare<T>([](T a, T b) { return a > b; });
    case ExprOp::Ge:
      return compare<T>([](T a, T b) { return a >= b; });
    default:
      break;
  }
  if constexpr (LoopFloat<T>)
    return float_only<T>(op);
  else
    return int_only<T>(op);
}

Step boolean(ExprOp op) {
  switch (op) {
    case ExprOp::Not:
      return unary<bool>([](bool a) { return !a; });
    case ExprOp::And:
      return binary<bool>([](bool a, bool b) { return a && b; });
    case ExprOp::Or:
      return binary<bool>([](bool a, bool b) { return a || b; });
    case ExprOp::Xor:
    case ExprOp::Ne:
      return binary<bool>([](bool a, bool b) { return a != b; });
    case ExprOp::Eq:
      return binary<bool>([](bool a, bool b) { return a == b; });
    default:
      return nullptr;
  }
}

template <class To, class From>
const Instruction* cast_lanes(Frame& frame, const Instruction* in) {
  const uint64_t* a = &frame.registers[in->a];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) dst[l] = lane_bits(cast_scalar<To>(lane_value<From>(a[l])));
  return in + 1;
}

/// `a_step`, `b_step`: from the group of a lane to that of the next; 0 where all lanes share one.
template <class A, class B, class Sum, uint32_t group, uint32_t a_step, uint32_t b_step>
const Instruction* dot_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b], *c = &frame.registers[in->c];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) {
    Sum sum = lane_value<Sum>(c[l]);
    for (uint32_t k = 0; k < group; ++k)
      sum = add_product(lane_value<A>(a[a_step * l + k]), lane_value<B>(b[b_step * l + k]), sum);
    dst[l] = lane_bits<Sum>(sum);
  }
  return in + 1;
}

template <uint32_t a_step, uint32_t b_step>
const Instruction* flushed_pair_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b], *c = &frame.registers[in->c];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) {
    float sum = lane_value<float>(c[l]);
    for (const uint32_t k : {1u, 0u})
      sum = flushed_fma(static_cast<float>(lane_value<BF16>(a[a_step * l + k])),
                        static_cast<float>(lane_value<BF16>(b[b_step * l + k])), sum);
    dst[l] = lane_bits<float>(sum);
  }
  return in + 1;
}

/// u8 by i8 into i16: the pair's sum saturates, what it is added to wraps.
template <uint32_t a_step, uint32_t b_step>
const Instruction* byte_pair_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b], *c = &frame.registers[in->c];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) {
    int32_t pair = 0;
    for (uint32_t k = 0; k < 2; ++k)
      pair += int32_t{lane_value<uint8_t>(a[a_step * l + k])} * int32_t{lane_value<int8_t>(b[b_step * l + k])};
    pair = std::clamp<int32_t>(pair, INT16_MIN, INT16_MAX);
    dst[l] = lane_bits(static_cast<int16_t>(static_cast<uint16_t>(pair + lane_value<int16_t>(c[l]))));
  }
  return in + 1;
}

/// Lanes of another size: low bytes first.
const Instruction* regroup_step(Frame& frame, const Instruction* in) {
  const ScalarType from = in->expr->args[0]->type;
  const auto from_bytes = static_cast<uint32_t>(dtype_bytes(from.dtype)),
             to_bytes = static_cast<uint32_t>(dtype_bytes(in->expr->type.dtype));
  const uint64_t* a = &frame.registers[in->a];
  uint64_t* dst = &frame.registers[in->dst];
  std::fill_n(dst, in->lanes, uint64_t{0});
  for (uint32_t byte = 0; byte < in->lanes * to_bytes; ++byte) {
    const uint64_t bits = a[byte / from_bytes] >> (8 * (byte % from_bytes)) & 0xff;
    dst[byte / to_bytes] |= bits << (8 * (byte % to_bytes));
  }
  return in + 1;
}

const Instruction* interleave_step(Frame& frame, const Instruction* in) {
  const uint64_t *a = &frame.registers[in->a], *b = &frame.registers[in->b];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes / 2; ++l) {
    dst[2 * l] = a[l];
    dst[2 * l + 1] = b[l];
  }
  return in + 1;
}

template <class A, class B, class Sum, uint32_t group>
Step dot_step_of(bool is_a_shared, bool is_b_shared) {
  if (is_a_shared) return is_b_shared ? dot_step<A, B, Sum, group, 0, 0> : dot_step<A, B, Sum, group, 0, group>;
  return is_b_shared ? dot_step<A, B, Sum, group, group, 0> : dot_step<A, B, Sum, group, group, group>;
}

}  // namespace

Step group_step(Expr e) {
  if (e->op == ExprOp::Interleave) return interleave_step;
  if (e->op == ExprOp::Bitcast) return regroup_step;
  const ScalarType a = e->args[0]->type, b = e->args[1]->type;
  const bool is_a_shared = a.lanes == group_of(e->op), is_b_shared = b.lanes == group_of(e->op);
  if (e->op == ExprOp::Dot2Flushed) {
    if (is_a_shared) return is_b_shared ? flushed_pair_step<0, 0> : flushed_pair_step<0, 2>;
    return is_b_shared ? flushed_pair_step<2, 0> : flushed_pair_step<2, 2>;
  }
  if (e->op == ExprOp::Dot4) return dot_step_of<uint8_t, int8_t, int32_t, 4>(is_a_shared, is_b_shared);
  if (a.dtype == DType::u8) {
    if (is_a_shared) return is_b_shared ? byte_pair_step<0, 0> : byte_pair_step<0, 2>;
    return is_b_shared ? byte_pair_step<2, 0> : byte_pair_step<2, 2>;
  }
  if (a.dtype == DType::bf16) return dot_step_of<BF16, BF16, float, 2>(is_a_shared, is_b_shared);
  return dot_step_of<int16_t, int16_t, int32_t, 2>(is_a_shared, is_b_shared);
}

Step arithmetic_step(ExprOp op, DType type) {
  if (op == ExprOp::Select) return select_step;
  return visit_dtype(type, [&](auto tag) -> Step {
    using T = typename decltype(tag)::type;
    if constexpr (std::same_as<T, bool>)
      return boolean(op);
    else if constexpr (LoopFloat<T> || LoopInt<T>)
      return number<T>(op);
    else
      return nullptr;
  });
}

Step cast_step(DType to, DType from) {
  return visit_dtype(to, [&](auto to_tag) {
    using To = typename decltype(to_tag)::type;
    return visit_dtype(from, [&](auto from_tag) -> Step {
      using From = typename decltype(from_tag)::type;
      return cast_lanes<To, From>;
    });
  });
}

}  // namespace strata::ir::loops
