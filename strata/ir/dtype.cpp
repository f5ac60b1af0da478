#include "strata/ir/dtype.h"

#include <bit>
#include <cmath>

namespace strata::ir {

std::string_view dtype_name(DType t) {
  constexpr std::string_view names[kDTypeCount] = {"f64", "f32", "f16", "bf16", "i8",  "i16", "i32",
                                                   "i64", "u8",  "u16", "u32",  "u64", "bool"};
  return names[static_cast<int>(t)];
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (DType t : kAllDTypes)
    if (dtype_name(t) == name) return t;
  return std::nullopt;
}

namespace {

/// Rounds a finite or special double to a binary format of `mantissa` explicit bits and `exponent` exponent bits,
/// nearest-even, in one rounding, and returns its bits with the sign at bit mantissa + exponent.
uint16_t round_to_small_float(double value, int mantissa, int exponent) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 63) << (mantissa + exponent));
  const int bias = (1 << (exponent - 1)) - 1;
  const uint16_t infinity = static_cast<uint16_t>(((1 << exponent) - 1) << mantissa);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | (1 << (mantissa - 1)));
  const double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return static_cast<uint16_t>(sign | infinity);
  if (magnitude == 0.0) return sign;
  int e = std::ilogb(magnitude);
  if (e < 1 - bias) e = 1 - bias;                                             // denormals share the smallest exponent
  const double scaled = std::nearbyint(std::ldexp(magnitude, mantissa - e));  // ties to even in the default mode
  const auto integer = static_cast<uint32_t>(scaled);                         // in [0, 2^(mantissa+1)]
  const uint32_t packed = (static_cast<uint32_t>(e + bias - 1) << mantissa) + integer;  // a carry moves the exponent
  return static_cast<uint16_t>(sign | (packed >= infinity ? infinity : packed));
}

}  // namespace

uint16_t f16_bits(double value) { return round_to_small_float(value, 10, 5); }
uint16_t f16_bits(float value) { return round_to_small_float(static_cast<double>(value), 10, 5); }
uint16_t bf16_bits(double value) { return round_to_small_float(value, 7, 8); }

uint16_t bf16_bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float bf16_value(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float f16_value(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f, mantissa = bits & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | (mantissa << 13) | (mantissa ? 0x400000 : 0));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

}  // namespace strata::ir
