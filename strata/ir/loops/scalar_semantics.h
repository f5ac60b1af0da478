// What each op of the loop program does to one lane, once: constant folding and the interpreter both call these, so
// that they cannot drift apart. Total on every input: nothing here traps.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "strata/ir/dtype.h"

namespace strata::ir::loops {

/// The element's bit pattern in the low bytes of a word, the rest zero: how constants and registers hold a lane.
template <class T>
uint64_t lane_bits(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T lane_value(uint64_t bits) {
  if constexpr (std::same_as<T, bool>) {
    return (bits & 1) != 0;
  } else {
    T value;
    std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
    return value;
  }
}

template <class T>
concept LoopFloat = std::floating_point<T>;
template <class T>
concept LoopInt = std::integral<T> && !std::same_as<T, bool>;

/// 64-bit words are wide enough to compute any smaller integer op in wrapping arithmetic.
template <LoopInt T>
T wrap(uint64_t word) {
  return static_cast<T>(word);
}

template <class T>
T div_scalar(T a, T b) {
  if constexpr (LoopFloat<T>) {
    return a / b;
  } else {
    if (b == 0) return static_cast<T>(-1);
    if constexpr (std::signed_integral<T>)
      if (b == -1) return wrap<T>(0 - static_cast<uint64_t>(a));
    return static_cast<T>(a / b);
  }
}

template <class T>
T rem_scalar(T a, T b) {
  if constexpr (LoopFloat<T>) {
    return std::fmod(a, b);
  } else {
    if (b == 0) return a;
    if constexpr (std::signed_integral<T>)
      if (b == -1) return 0;
    return static_cast<T>(a % b);
  }
}

/// For divisors that are not positive, which programs don't use, the answers are those of Div and Rem where b = 0, else
/// the mathematical floor (wrapped).
template <LoopInt T>
T floor_mod_scalar(T a, T b) {
  T rest = rem_scalar(a, b);
  if constexpr (std::signed_integral<T>)
    if (b != 0 && rest != 0 && (rest < 0) != (b < 0)) rest = static_cast<T>(rest + b);
  return rest;
}
template <LoopInt T>
T floor_div_scalar(T a, T b) {
  T quotient = div_scalar(a, b);
  if constexpr (std::signed_integral<T>)
    if (b != 0 && rem_scalar(a, b) != 0 && (a < 0) != (b < 0)) quotient = static_cast<T>(quotient - 1);
  return quotient;
}

template <class T>
T min_scalar(T a, T b) {
  if constexpr (LoopFloat<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
    if (a == b) return std::signbit(a) ? a : b;
  }
  return b < a ? b : a;
}
template <class T>
T max_scalar(T a, T b) {
  if constexpr (LoopFloat<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}

/// Shift amounts are read as unsigned: a negative one is larger than any width.
template <LoopInt T>
T shl_scalar(T a, T amount) {
  using U = std::make_unsigned_t<T>;
  const U n = static_cast<U>(amount);
  return n >= sizeof(T) * 8 ? T{0} : wrap<T>(static_cast<uint64_t>(static_cast<U>(a)) << n);
}
template <LoopInt T>
T shr_logical_scalar(T a, T amount) {
  using U = std::make_unsigned_t<T>;
  const U n = static_cast<U>(amount);
  return n >= sizeof(T) * 8 ? T{0} : static_cast<T>(static_cast<uint64_t>(static_cast<U>(a)) >> n);
}
template <LoopInt T>
T shr_arith_scalar(T a, T amount) {
  using S = std::make_signed_t<T>;
  using U = std::make_unsigned_t<T>;
  const U n = static_cast<U>(amount);
  const S value = static_cast<S>(a);
  if (n >= sizeof(T) * 8) return static_cast<T>(value < 0 ? -1 : 0);
  return static_cast<T>(static_cast<int64_t>(value) >> n);
}

/// Truncates, saturates, NaN to 0.
template <LoopInt To, LoopFloat From>
To saturate(From value) {
  if (std::isnan(value)) return 0;
  // 2^digits is exact in either float type, and the first value that is too large.
  const From limit = std::ldexp(From{1}, std::numeric_limits<To>::digits);
  if (value >= limit) return std::numeric_limits<To>::max();
  if constexpr (std::signed_integral<To>) {
    if (value < -limit) return std::numeric_limits<To>::min();
  } else {
    if (value <= From{-1}) return 0;
  }
  return static_cast<To>(value);
}

/// Half floats convert through f32 both ways; only f64 rounds to them directly (and so once).
template <class To, class From>
To cast_scalar(From value) {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (std::same_as<From, F16> || std::same_as<From, BF16>) {
    return cast_scalar<To, float>(static_cast<float>(value));
  } else if constexpr (std::same_as<To, F16> || std::same_as<To, BF16>) {
    if constexpr (std::same_as<From, double>)
      return To(value);
    else
      return To(static_cast<float>(value));
  } else if constexpr (std::same_as<To, bool>) {
    return value != From{0};
  } else if constexpr (LoopInt<To> && LoopFloat<From>) {
    return saturate<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

/// A zero of its sign for a denormal.
template <LoopFloat T>
T flushed(T x) {
  return std::fabs(x) < std::numeric_limits<T>::min() ? std::copysign(T{0}, x) : x;
}

/// FmaFlushed. Whether the result is below the least normal number is asked after it is rounded as if there were
/// smaller exponents (Intel's manual, volume 1, 4.9.1.5). Twice the result is rounded so wherever that matters: an
/// exponent higher there is one more. Where doubling overflows, the result is 0 or far from small.
template <LoopFloat T>
T flushed_fma(T a, T b, T sum) {
  a = flushed(a), b = flushed(b), sum = flushed(sum);
  const T result = std::fma(a, b, sum), twice = std::fma(a + a, b, sum + sum);
  return std::fabs(twice) < 2 * std::numeric_limits<T>::min() ? std::copysign(T{0}, result) : result;
}

/// One term of Dot2 and Dot4.
template <LoopInt A, LoopInt B>
int32_t add_product(A a, B b, int32_t sum) {
  return wrap<int32_t>(static_cast<uint64_t>(int64_t{a} * int64_t{b}) + static_cast<uint64_t>(sum));
}
inline float add_product(BF16 a, BF16 b, float sum) {
  return std::fma(static_cast<float>(a), static_cast<float>(b), sum);
}

}  // namespace strata::ir::loops
