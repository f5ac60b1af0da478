// Element types of tensors and scalars, their sizes and names, and the two 16-bit float formats as storage types.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace strata::ir {

enum class DType : uint8_t { f64, f32, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, boolean };
inline constexpr int kDTypeCount = 13;
inline constexpr DType kAllDTypes[kDTypeCount] = {DType::f64, DType::f32, DType::f16,    DType::bf16, DType::i8,
                                                  DType::i16, DType::i32, DType::i64,    DType::u8,   DType::u16,
                                                  DType::u32, DType::u64, DType::boolean};

/// Bytes of one element; bool takes one byte, 0 or 1.
constexpr int64_t dtype_bytes(DType t) {
  switch (t) {
    case DType::f64:
    case DType::i64:
    case DType::u64:
      return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      break;
  }
  return 1;
}
constexpr bool is_float(DType t) { return t <= DType::bf16; }
constexpr bool is_signed_int(DType t) { return t >= DType::i8 && t <= DType::i64; }
constexpr bool is_unsigned_int(DType t) { return t >= DType::u8 && t <= DType::u64; }
constexpr bool is_int(DType t) { return is_signed_int(t) || is_unsigned_int(t); }
constexpr bool is_bool(DType t) { return t == DType::boolean; }
/// f16 and bf16: rounded after every core op, accumulated in f32 (design.md, section 4.2).
constexpr bool is_half_float(DType t) { return t == DType::f16 || t == DType::bf16; }

/// The exponent's bits of a stored float, all of which a NaN and an infinity have set; 0 of what is no float.
constexpr uint64_t exponent_bits(DType t) {
  switch (t) {
    case DType::f64:
      return 0x7ff0'0000'0000'0000;
    case DType::f32:
      return 0x7f80'0000;
    case DType::f16:
      return 0x7c00;
    case DType::bf16:
      return 0x7f80;
    default:
      return 0;
  }
}

/// "f32", "bf16", "i64", "bool", as the text form spells it.
std::string_view dtype_name(DType t);
std::optional<DType> dtype_from_name(std::string_view name);

/// Nearest-even conversions; overflow gives infinity, NaN stays NaN (quiet), denormals are kept.
uint16_t f16_bits(float value);
uint16_t f16_bits(double value);  ///< rounds once, from double
float f16_value(uint16_t bits);
uint16_t bf16_bits(float value);
uint16_t bf16_bits(double value);  ///< rounds once, from double
float bf16_value(uint16_t bits);

/// Storage of an f16 or bf16 element in host memory.
struct F16 {
  uint16_t bits = 0;
  F16() = default;
  explicit F16(float value) : bits(f16_bits(value)) {}
  explicit F16(double value) : bits(f16_bits(value)) {}
  explicit operator float() const { return f16_value(bits); }
  explicit operator double() const { return f16_value(bits); }
};
struct BF16 {
  uint16_t bits = 0;
  BF16() = default;
  explicit BF16(float value) : bits(bf16_bits(value)) {}
  explicit BF16(double value) : bits(bf16_bits(value)) {}
  explicit operator float() const { return bf16_value(bits); }
  explicit operator double() const { return bf16_value(bits); }
};

/// The dtype that is stored as T on the host; integers go by sign and size, so that `long` and `long long` are one.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return DType::boolean;
  } else if constexpr (std::is_integral_v<T>) {
    constexpr DType kSigned[] = {DType::i8, DType::i16, DType::i32, DType::i64};
    constexpr DType kUnsigned[] = {DType::u8, DType::u16, DType::u32, DType::u64};
    constexpr int kLog2 = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? kSigned[kLog2] : kUnsigned[kLog2];
  } else {
    static_assert(std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, F16> ||
                  std::is_same_v<T, BF16>);
    return std::is_same_v<T, double>  ? DType::f64
           : std::is_same_v<T, float> ? DType::f32
           : std::is_same_v<T, F16>   ? DType::f16
                                      : DType::bf16;
  }
}

template <class T>
struct dtype_tag {
  using type = T;
};

/// Calls f(dtype_tag<T>{}) with the host type that stores `t`: double, float, F16, BF16, int8_t .. uint64_t, bool.
template <class F>
decltype(auto) visit_dtype(DType t, F&& f) {
  switch (t) {
    case DType::f64:
      return f(dtype_tag<double>{});
    case DType::f32:
      return f(dtype_tag<float>{});
    case DType::f16:
      return f(dtype_tag<F16>{});
    case DType::bf16:
      return f(dtype_tag<BF16>{});
    case DType::i8:
      return f(dtype_tag<int8_t>{});
    case DType::i16:
      return f(dtype_tag<int16_t>{});
    case DType::i32:
      return f(dtype_tag<int32_t>{});
    case DType::i64:
      return f(dtype_tag<int64_t>{});
    case DType::u8:
      return f(dtype_tag<uint8_t>{});
    case DType::u16:
      return f(dtype_tag<uint16_t>{});
    case DType::u32:
      return f(dtype_tag<uint32_t>{});
    case DType::u64:
      return f(dtype_tag<uint64_t>{});
    case DType::boolean:
      break;
  }
  return f(dtype_tag<bool>{});
}

}  // namespace strata::ir
