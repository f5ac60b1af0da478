#include "strata/ir/loops/fold.h"

#include "strata/ir/loops/scalar_semantics.h"

namespace strata::ir::loops {

uint64_t bits_of_double(DType type, double value) {
  return visit_dtype(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return lane_bits(cast_scalar<T>(value));
  });
}

uint64_t bits_of_int(DType type, int64_t value) {
  return visit_dtype(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return lane_bits(cast_scalar<T>(value));
  });
}

int64_t int_of_bits(DType type, uint64_t bits) {
  return visit_dtype(type, [&](auto tag) -> int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (std::integral<T>) return static_cast<int64_t>(lane_value<T>(bits));
    return 0;
  });
}

namespace {

template <LoopInt T>
std::optional<uint64_t> fold_int_unary(ExprOp op, T a) {
  const auto word = static_cast<uint64_t>(a);
  switch (op) {
    case ExprOp::Neg:
      return lane_bits(wrap<T>(0 - word));
    case ExprOp::Abs:
      return lane_bits(a < 0 ? wrap<T>(0 - word) : a);
    case ExprOp::Not:
      return lane_bits(wrap<T>(~word));
    default:
      return std::nullopt;
  }
}

template <class T>
std::optional<uint64_t> fold_comparison(ExprOp op, T a, T b) {
  switch (op) {
    case ExprOp::Eq:
      return a == b;
    case ExprOp::Ne:
      return a != b;
    case ExprOp::Lt:
      return a < b;
    case ExprOp::Le:
      return a <= b;
    case ExprOp::Gt:
      return a > b;
    case ExprOp::Ge:
      return a >= b;
    default:
      return std::nullopt;
  }
}

template <LoopInt T>
std::optional<uint64_t> fold_int_binary(ExprOp op, T a, T b) {
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  switch (op) {
    case ExprOp::Add:
      return lane_bits(wrap<T>(x + y));
    case ExprOp::Sub:
      return lane_bits(wrap<T>(x - y));
    case ExprOp::Mul:
      return lane_bits(wrap<T>(x * y));
    case ExprOp::Div:
      return lane_bits(div_scalar(a, b));
    case ExprOp::Rem:
      return lane_bits(rem_scalar(a, b));
    case ExprOp::FloorDiv:
      return lane_bits(floor_div_scalar(a, b));
    case ExprOp::FloorMod:
      return lane_bits(floor_mod_scalar(a, b));
    case ExprOp::Min:
      return lane_bits(min_scalar(a, b));
    case ExprOp::Max:
      return lane_bits(max_scalar(a, b));
    case ExprOp::And:
      return lane_bits(wrap<T>(x & y));
    case ExprOp::Or:
      return lane_bits(wrap<T>(x | y));
    case ExprOp::Xor:
      return lane_bits(wrap<T>(x ^ y));
    case ExprOp::Shl:
      return lane_bits(shl_scalar(a, b));
    case ExprOp::ShrArith:
      return lane_bits(shr_arith_scalar(a, b));
    case ExprOp::ShrLogical:
      return lane_bits(shr_logical_scalar(a, b));
    default:
      return fold_comparison(op, a, b);
  }
}

std::optional<uint64_t> fold_bool_binary(ExprOp op, bool a, bool b) {
  switch (op) {
    case ExprOp::And:
      return a && b;
    case ExprOp::Or:
      return a || b;
    case ExprOp::Xor:
    case ExprOp::Ne:
      return a != b;
    case ExprOp::Eq:
      return a == b;
    default:
      return std::nullopt;
  }
}

bool is_nan_pattern(DType type, uint64_t bits) {
  return visit_dtype(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (LoopFloat<T>) return std::isnan(lane_value<T>(bits));
    if constexpr (std::same_as<T, F16> || std::same_as<T, BF16>)
      return std::isnan(static_cast<float>(lane_value<T>(bits)));
    return false;
  });
}

}  // namespace

std::optional<uint64_t> fold_unary(ExprOp op, DType type, uint64_t a) {
  if (is_bool(type)) return op == ExprOp::Not ? std::optional<uint64_t>(a ^ 1) : std::nullopt;
  return visit_dtype(type, [&](auto tag) -> std::optional<uint64_t> {
    using T = typename decltype(tag)::type;
    if constexpr (LoopInt<T>) return fold_int_unary<T>(op, lane_value<T>(a));
    return std::nullopt;
  });
}

std::optional<uint64_t> fold_binary(ExprOp op, DType type, uint64_t a, uint64_t b) {
  if (is_bool(type)) return fold_bool_binary(op, a & 1, b & 1);
  return visit_dtype(type, [&](auto tag) -> std::optional<uint64_t> {
    using T = typename decltype(tag)::type;
    if constexpr (LoopInt<T>) return fold_int_binary<T>(op, lane_value<T>(a), lane_value<T>(b));
    return std::nullopt;
  });
}

std::optional<uint64_t> fold_cast(DType to, DType from, uint64_t a) {
  if (is_nan_pattern(from, a) && is_float(to)) return std::nullopt;
  return visit_dtype(to, [&](auto to_tag) {
    using To = typename decltype(to_tag)::type;
    return visit_dtype(from, [&](auto from_tag) -> std::optional<uint64_t> {
      using From = typename decltype(from_tag)::type;
      return lane_bits(cast_scalar<To>(lane_value<From>(a)));
    });
  });
}

}  // namespace strata::ir::loops
