#include "strata/ops/operands/number_range.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/host_array.h"

namespace strata::ops {

using ir::DType;

namespace {

double rounded(double x, DType t) {
  ir::HostArray one(t, {});
  one.set(0, x);
  return one.get(0);
}

/// The next number of a float dtype above (or below) one of its numbers.
double neighbour(double x, DType t, double direction) {
  if (t == DType::f64) return std::nextafter(x, direction);
  if (t == DType::f32) return std::nextafter(static_cast<float>(x), static_cast<float>(direction));
  const int fraction = t == DType::f16 ? 10 : 7, lowest_exponent = t == DType::f16 ? -14 : -126;
  const bool shrinks = x != 0 && (direction > x) != (x > 0);
  int exponent = x == 0 ? lowest_exponent : std::max(std::ilogb(x), lowest_exponent);
  // Below a power of two the steps are half as long.
  if (shrinks && std::fabs(x) == std::ldexp(1.0, exponent) && exponent > lowest_exponent) --exponent;
  return x + std::copysign(std::ldexp(1.0, exponent - fraction), direction - x);
}

/// Every whole number up to this one in size has a value in the float dtype.
int64_t largest_whole(DType t) {
  const int bits = t == DType::f64 ? 53 : t == DType::f32 ? 24 : t == DType::f16 ? 11 : 8;
  return int64_t{1} << bits;
}

struct Whole {
  int64_t first, last;
};
Whole whole_numbers(DType t) {
  if (ir::is_float(t)) return {-largest_whole(t), largest_whole(t)};
  if (ir::is_bool(t)) return {0, 1};
  const auto bits = 8 * ir::dtype_bytes(t);
  const int64_t half = (uint64_t{1} << (bits - 1)) - 1;
  if (ir::is_signed_int(t)) return {-half - 1, half};
  return {0, bits == 64 ? INT64_MAX : 2 * half + 1};
}

double largest_of(DType t) {
  if (t == DType::f64) return std::numeric_limits<double>::max();
  if (t == DType::f32) return static_cast<double>(std::numeric_limits<float>::max());
  return t == DType::f16 ? 65504.0 : std::ldexp(255.0, 120);
}

}  // namespace

ir::HostArray literal_array(Literal value, DType dtype) {
  ir::HostArray array(dtype, {});
  // An unsigned literal of 2^63 and more has the bits of a negative integer; its real part tells them apart.
  const bool is_exact = value.is_integer && (value.integer < 0) == (value.real < 0);
  if (is_exact || (value.is_integer && !ir::is_float(dtype)))
    array.set_int(0, value.integer);
  else
    array.set(0, value.real);
  if (ir::is_float(dtype)) return array;
  const bool has_sign_of_value = (array.get(0) < 0) == (value.real < 0);
  // 2^64 saturates to a number that is 2^64 again as a double.
  const double limit = std::ldexp(1.0, static_cast<int>(8 * ir::dtype_bytes(dtype)) - ir::is_signed_int(dtype));
  const bool is_same =
      value.is_integer ? array.get_int(0) == value.integer : array.get(0) == value.real && value.real < limit;
  if (is_same && has_sign_of_value) return array;
  throw base::Error(base::code::kLiteralValue,
                    fmt::format("literal {} has no value in {}", value.real, ir::dtype_name(dtype)))
      .hint("cast the tensor to a float dtype first, or write a whole number within its range");
}

void require_finite_in(std::string_view op, std::string_view field, double value, DType dtype) {
  const double largest = largest_of(dtype);
  if (std::isfinite(rounded(value, dtype))) return;
  throw base::Error(base::code::kRangeLeavesDtype,
                    fmt::format("{}: {} is {}, expected a number that {} holds, from {:g} to {:g}", op, field, value,
                                ir::dtype_name(dtype), -largest, largest))
      .hint("draw in a wider dtype");
}

void require_float_draws(std::string_view op, DType dtype) {
  if (ir::is_float(dtype)) return;
  throw base::Error(base::code::kOperandTypes, fmt::format("{}: gives floats, not {}", op, ir::dtype_name(dtype)))
      .hint("random_integers gives integers");
}

Ends ends_within(std::string_view op, double lowest, double highest, DType dtype) {
  if (!std::isfinite(lowest) || !std::isfinite(highest) || highest < lowest)
    throw base::Error(base::code::kAttributeValue,
                      fmt::format("{}: [{}, {}) is no range of numbers", op, lowest, highest));
  require_finite_in(op, "lowest", lowest, dtype);
  require_finite_in(op, "highest", highest, dtype);
  const DType drawn = dtype == DType::f64 ? DType::f64 : DType::f32;
  if (!std::isfinite(rounded(highest - lowest, drawn)))
    throw base::Error(base::code::kRangeLeavesDtype,
                      fmt::format("{}: [{}, {}) is wider than the largest number of {}, which is {:g}", op, lowest,
                                  highest, ir::dtype_name(drawn), largest_of(drawn)))
        .hint("draw in a wider dtype, or in a narrower range");
  double first = rounded(lowest, dtype);
  if (highest == lowest) return {first, first};
  if (first < lowest) first = neighbour(first, dtype, HUGE_VAL);
  double last = rounded(highest, dtype);
  if (last >= highest) last = neighbour(last, dtype, -HUGE_VAL);
  if (first <= last) return {first, last};
  throw base::Error(base::code::kRangeLeavesDtype,
                    fmt::format("{}: {} has no number in [{}, {}): {} is below it and {} not", op,
                                ir::dtype_name(dtype), lowest, highest, last, first))
      .hint("draw in a wider dtype, or in a wider range");
}

void require_within(std::string_view op, int64_t first, int64_t last, DType dtype) {
  const Whole held = whole_numbers(dtype);
  if (first >= held.first && last <= held.last) return;
  throw base::Error(base::code::kRangeLeavesDtype,
                    fmt::format("{}: the numbers go from {} to {}, {} holds those from {} to {}", op, first, last,
                                ir::dtype_name(dtype), held.first, held.last))
      .hint("take a dtype that holds them all");
}

void require_no_wrap(std::string_view op, int64_t first, int64_t last, DType dtype) {
  if (!ir::is_float(dtype)) require_within(op, first, last, dtype);
}

}  // namespace strata::ops
