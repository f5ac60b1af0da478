#include "strata/ops/number_range.h"

#include <fmt/format.h>

#include <cmath>

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
  const int64_t half = static_cast<int64_t>((uint64_t{1} << (bits - 1)) - 1);
  if (ir::is_signed_int(t)) return {-half - 1, half};
  return {0, bits == 64 ? INT64_MAX : 2 * half + 1};
}

}  // namespace

Ends ends_within(std::string_view op, double lowest, double highest, DType dtype) {
  if (!std::isfinite(lowest) || !std::isfinite(highest) || highest < lowest)
    throw base::Error("E0116", fmt::format("{}: [{}, {}) is no range of numbers", op, lowest, highest));
  double first = rounded(lowest, dtype);
  if (highest == lowest) return {first, first};
  if (first < lowest) first = neighbour(first, dtype, HUGE_VAL);
  double last = rounded(highest, dtype);
  if (last >= highest) last = neighbour(last, dtype, -HUGE_VAL);
  if (first <= last) return {first, last};
  throw base::Error("E0140", fmt::format("{}: {} has no number in [{}, {}): {} is below it and {} not", op,
                                         ir::dtype_name(dtype), lowest, highest, last, first))
      .hint("draw in a wider dtype, or in a wider range");
}

void require_within(std::string_view op, int64_t first, int64_t last, DType dtype) {
  const Whole held = whole_numbers(dtype);
  if (first >= held.first && last <= held.last) return;
  throw base::Error("E0140", fmt::format("{}: the numbers go from {} to {}, {} holds those from {} to {}", op, first,
                                         last, ir::dtype_name(dtype), held.first, held.last))
      .hint("take a dtype that holds them all");
}

void require_no_wrap(std::string_view op, int64_t first, int64_t last, DType dtype) {
  if (!ir::is_float(dtype)) require_within(op, first, last, dtype);
}

}  // namespace strata::ops
