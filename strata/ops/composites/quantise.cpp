#include "strata/ops/composites/quantise.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/contraction/matmul.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/operands/extent_check.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// The most terms whose sum fits i32 whatever the bytes and zero points: each is at most 255 * 255.
constexpr int64_t kMostTerms = INT32_MAX / (255 * 255);

// ---- what is refused ----

bool is_byte(DType t) { return t == DType::u8 || t == DType::i8; }
bool is_narrow(DType t) { return is_byte(t) || t == DType::u16 || t == DType::i16; }

/// Integers of 4 and 2 bits count as the bytes that they are read as.
void require_narrow(std::string_view op, std::string_view name, Value v, bool (*fits)(DType), const char* expected) {
  if (v && !fits(value_dtype(v.type())))
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("{}: {} is {}, expected {}", op, name, v.type().str(), expected));
}

/// One for all, or one for each index of an axis of `extent`.
void require_for_axis(std::string_view op, std::string_view name, Value v, Dim extent) {
  if (!v || v.rank() == 0) return;
  if (v.rank() == 1 && ir::proved_equal(v.type().dim(0), extent)) return;
  throw base::Error(base::code::kOperandShapes,
                    fmt::format("{}: {} is {}, expected rank 0 or [{}]", op, name, v.type().str(), extent.str()));
}

void require_zero_point(std::string_view op, std::string_view name, Value zero, Value of, Dim extent) {
  if (zero && zero.type().encoding() != value_dtype(of.type()))
    throw base::Error(base::code::kOperandTypes, fmt::format("{}: {} is {}, expected the dtype of {}", op, name,
                                                             zero.type().str(), of.type().str()));
  require_for_axis(op, name, zero, extent);
}

/// Literals at once, others when the program runs.
void require_scale(std::string_view op, std::string_view name, Value scale, Dim extent) {
  require_floats(op, scale);
  require_for_axis(op, name, scale, extent);
  const std::string expected = fmt::format("{}: {} has to be positive and finite", op, name);
  if (scale.node->op != &kConstant) {
    const Value is_fine = gt<Value>(scale, 0) & is_finite(scale);
    return check(is_fine.rank() == 0 ? is_fine : reduce_and(is_fine, {0}), expected);
  }
  const HostArray& values = scale.node->attrs.array("value");
  for (int64_t i = 0; i < values.elements(); ++i)
    if (!(values.get(i) > 0) || std::isinf(values.get(i)))
      throw base::Error(base::code::kAttributeValue, fmt::format("{}, found {}", expected, values.get(i)));
}

Dim axis_extent(std::string_view op, Value x, Value scale, int64_t axis) {
  return scale.rank() == 0 ? Dim(1) : x.type().dim(axis_of(axis, x.rank(), op));
}

// ---- what is meant ----

Value read(Value v) { return v.type().is_encoded() ? decode(v) : v; }
Value as_i32(Value v) { return cast(v, DType::i32); }

/// A number for each index of `axis` of an array of rank `rank`, to broadcast against it.
Value along(Value v, int64_t axis, int rank) {
  if (!v || v.rank() == 0) return v;
  Shape shape(static_cast<size_t>(rank - axis), Dim(1));
  shape[0] = v.type().dim(0);
  return reshape(v, shape);
}

/// r is whole, or beyond any integer, or NaN. All of it is arithmetic of i32, so that no sum leaves it.
Value kept_within(Value r, Value zero) {
  const DType to = zero.dtype();
  const int bits = static_cast<int>(ir::dtype_bytes(to) * 8);
  const int64_t lowest = ir::is_signed_int(to) ? -(int64_t{1} << (bits - 1)) : 0,
                highest = lowest + (int64_t{1} << bits) - 1;
  const Value z = as_i32(zero);
  return cast(minimum(maximum(as_i32(r), lowest - z), highest - z) + z, to);
}

Value quantize_of(Value x, Value scale, Value zero, int64_t axis) {
  const Value s = along(scale, axis, x.rank()), z = along(zero, axis, x.rank());
  return kept_within(round(x / s), z);
}

Value dequantize_of(Value q, Value scale, Value zero, int64_t axis) {
  Value whole = as_i32(read(q));
  if (zero) whole = whole - as_i32(along(zero, axis, q.rank()));
  return cast(whole, scale.dtype()) * along(scale, axis, q.rank());
}

/// a x b - a_zero x (sums of b's columns) - (sums of a's rows) x b_zero + K x a_zero x b_zero: the product of the bytes
/// as they are, and what depends on b alone apart from it.
Value integer_product(Value a, Value b, Value a_zero, Value b_zero) {
  const int64_t rows = a.rank() - 2, depth_of_b = b.rank() - 2;
  Value sum = matmul_into(DType::i32, a, b);
  const Value of_rows = a_zero ? as_i32(along(a_zero, 0, 2)) : Value{}, of_columns = b_zero ? as_i32(b_zero) : Value{};
  if (a_zero) {
    Value columns = reduce(kReduceSum, as_i32(read(b)), {depth_of_b}, Keep::AsOne);
    if (b_zero) columns = columns - cast(dimension(a.graph(), a.type().dim(a.rank() - 1)), DType::i32) * of_columns;
    sum = sum - of_rows * columns;
  }
  if (b_zero) sum = sum - reduce(kReduceSum, as_i32(read(a)), {rows + 1}, Keep::AsOne) * of_columns;
  return sum;
}

Value qlinear_of(const QuantisedMatmul& m) {
  Value sum = integer_product(m.a, m.b, m.a_zero, m.b_zero);
  if (m.bias) sum = sum + m.bias;
  const Value factor = along(m.a_scale, 0, m.a_scale.rank() + 1) * m.b_scale / m.y_scale;
  return kept_within(round(cast(sum, DType::f32) * factor), m.y_zero);
}

void check_product(std::string_view op, Value a, Value b, Value a_zero, Value b_zero) {
  require_narrow(op, "a", a, is_byte, "u8 or i8");
  require_narrow(op, "b", b, is_byte, "u8 or i8");
  for (const auto& [name, v] : {std::pair{"a", a}, {"b", b}})
    if (v.rank() < 2)
      throw base::Error(base::code::kOperandShapes,
                        fmt::format("{}: {} is {}, expected a matrix, or a batch of them", op, name, v.type().str()));
  require_zero_point(op, "a_zero", a_zero, a, a.type().dim(a.rank() - 2));
  require_zero_point(op, "b_zero", b_zero, b, b.type().dim(b.rank() - 1));
}

void require_i32_sums(std::string_view op, Value a) {
  const Dim terms = a.type().dim(a.rank() - 1);
  require_extent(
      a.graph(), Dim(kMostTerms) - terms, 0, base::code::kAttributeValue,
      fmt::format("{}: sums of {} products may leave i32, expected {} at most", op, terms.str(), kMostTerms));
}

void require_f32(std::string_view op, std::string_view name, Value scale) {
  if (scale.dtype() != DType::f32)
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("{}: {} is {}, expected f32", op, name, scale.type().str()));
}

}  // namespace

Value quantize_linear(Value x, Value scale, Value zero_point, int64_t axis) {
  constexpr std::string_view op = "quantize_linear";
  require_floats(op, x);
  require_narrow(op, "zero_point", zero_point, is_narrow, "u8, i8, u16 or i16");
  const Dim extent = axis_extent(op, x, scale.rank() ? scale : zero_point, axis);
  require_scale(op, "scale", scale, extent);
  require_for_axis(op, "zero_point", zero_point, extent);
  if (scale.dtype() != x.dtype())
    throw base::Error(base::code::kOperandTypes, fmt::format("{}: scale is {}, expected the dtype of x, which is {}",
                                                             op, scale.type().str(), x.type().str()));
  const int64_t at = x.rank() ? axis_of(scale.rank() || zero_point.rank() ? axis : 0, x.rank(), op) : 0;
  return as_composite(
      op, {Attr("axis", at)}, [&](Value v, Value s, Value z) { return quantize_of(v, s, z, at); }, x, scale,
      zero_point);
}

Value dequantize_linear(Value q, Value scale, Value zero_point, int64_t axis) {
  constexpr std::string_view op = "dequantize_linear";
  if (!zero_point && q.type().encoding() != DType::i32)
    require_narrow(op, "q", q, is_narrow, "u8, i8, u16, i16, or i32 without a zero point");
  if (zero_point) require_narrow(op, "q", q, is_narrow, "u8, i8, u16 or i16 with a zero point");
  const Dim extent = axis_extent(op, q, scale.rank() || !zero_point ? scale : zero_point, axis);
  require_scale(op, "scale", scale, extent);
  require_zero_point(op, "zero_point", zero_point, q, extent);
  const bool has_axis = scale.rank() || (zero_point && zero_point.rank());
  const int64_t at = q.rank() ? axis_of(has_axis ? axis : 0, q.rank(), op) : 0;
  return as_composite(
      op, {Attr("axis", at)}, [&](Value v, Value s, Value z) { return dequantize_of(v, s, z, at); }, q, scale,
      zero_point);
}

Value matmul_integer(Value a, Value b, Value a_zero, Value b_zero) {
  check_product("matmul_integer", a, b, a_zero, b_zero);
  return as_composite(
      "matmul_integer", {}, [](Value x, Value w, Value xz, Value wz) { return integer_product(x, w, xz, wz); }, a, b,
      a_zero, b_zero);
}

Value qlinear_matmul(const QuantisedMatmul& m) {
  constexpr std::string_view op = "qlinear_matmul";
  check_product(op, m.a, m.b, m.a_zero, m.b_zero);
  const Dim rows = m.a.type().dim(m.a.rank() - 2), columns = m.b.type().dim(m.b.rank() - 1);
  for (const auto& [name, scale, extent] :
       {std::tuple{"a_scale", m.a_scale, rows}, {"b_scale", m.b_scale, columns}, {"y_scale", m.y_scale, Dim(1)}}) {
    require_f32(op, name, scale);
    require_scale(op, name, scale, extent);
  }
  for (const auto& [name, v] : {std::pair{"y_scale", m.y_scale}, {"y_zero", m.y_zero}})
    if (v.rank() != 0)
      throw base::Error(base::code::kOperandShapes,
                        fmt::format("{}: {} is {}, expected rank 0", op, name, v.type().str()));
  require_narrow(op, "y_zero", m.y_zero, is_byte, "u8 or i8");
  if (m.bias && m.bias.dtype() != DType::i32)
    throw base::Error(base::code::kOperandTypes, fmt::format("{}: bias is {}, expected i32", op, m.bias.type().str()));
  const Dim shape[] = {columns};
  require_shape(op, "bias", m.bias, shape, m.b);
  require_i32_sums(op, m.a);
  return as_composite(
      op, {},
      [](Value x, Value xs, Value xz, Value w, Value ws, Value wz, Value c, Value s, Value z) {
        return qlinear_of({x, xs, xz, w, ws, wz, c, s, z});
      },
      m.a, m.a_scale, m.a_zero, m.b, m.b_scale, m.b_zero, m.bias, m.y_scale, m.y_zero);
}

}  // namespace strata::ops
