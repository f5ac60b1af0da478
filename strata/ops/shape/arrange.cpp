#include "strata/ops/shape/arrange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/number_range.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {

Value tile(Value x, const Shape& counts) {
  const int rank = std::max(x.rank(), static_cast<int>(counts.size()));
  x = with_rank(x, rank);
  Shape all(rank - counts.size(), Dim(1)), pairs, joined;
  all.insert(all.end(), counts.begin(), counts.end());
  Ints axes;
  for (int a = 0; a < rank; ++a) {
    pairs.insert(pairs.end(), {all[a], x.type().dim(a)});
    joined.push_back(all[a] * x.type().dim(a));
    axes.push_back(2 * a + 1);
  }
  return reshape(broadcast(x, pairs, axes), joined);
}

Value repeat(Value x, Dim count, int64_t axis) {
  const size_t a = axis_of(axis, x.rank(), "repeat");
  Shape wide = shape_of(x), joined = wide;
  wide.insert(wide.begin() + a + 1, count);
  joined[a] = joined[a] * count;
  Ints axes;
  for (size_t k = 0; k < joined.size(); ++k) axes.push_back(k <= a ? k : k + 1);
  return reshape(broadcast(x, wide, axes), joined);
}

Value roll(Value x, int64_t shift, int64_t axis) {
  axis = axis_of(axis, x.rank(), "roll");
  const Dim extent = x.type().dim(axis), back = mod(Dim(shift), extent);
  if (back == Dim(0)) return x;
  return concat({slice_axis(x, axis, {extent - back, extent}), slice_axis(x, axis, {0, extent - back})}, axis);
}

namespace {

/// column - row of the last two axes.
Value diagonals(Value x, std::string_view op) {
  if (x.rank() < 2)
    throw base::Error(base::code::kAxis, fmt::format("{}: takes matrices, found {}", op, x.type().str()));
  return iota_like(x, DType::i64, -1) - iota_like(x, DType::i64, -2);
}

}  // namespace

Value tril(Value x, int64_t diagonal) { return select(le(diagonals(x, "tril"), diagonal), x, 0); }
Value triu(Value x, int64_t diagonal) { return select(ge(diagonals(x, "triu"), diagonal), x, 0); }

Value outer(Value x, Value y) {
  return reshape(x, {ir::product(x.shape()), 1}) * reshape(y, {1, ir::product(y.shape())});
}

Value eye(Graph& graph, Dim rows, Dim columns, DType dtype, int64_t diagonal) {
  const Type type = Type::of(DType::i64, {rows, columns});
  return cast(eq(iota(graph, type, 1) - iota(graph, type, 0), diagonal), dtype);
}

namespace {

/// Without its fraction, the ends of i64 for what is beyond them.
int64_t whole(double x) {
  if (!(std::fabs(x) < 0x1p63)) return x < 0 ? INT64_MIN : INT64_MAX;
  return static_cast<int64_t>(x);
}

}  // namespace

Value linspace(Graph& graph, double first, double last, int64_t count, DType dtype) {
  if (count < 0) throw base::Error(base::code::kAttributeValue, fmt::format("linspace: the count is {}", count));
  // What an integer dtype makes of the ends: it would saturate.
  if (count > 0 && !ir::is_float(dtype)) {
    const double low = count > 1 ? std::min(first, last) : first, high = count > 1 ? std::max(first, last) : first;
    require_no_wrap("linspace", whole(low), whole(high), dtype);
  }
  const Value i = iota(graph, Type::of(DType::f64, {Dim(count)}), 0);
  if (count < 2) return cast(i + first, dtype);
  const Value spaced = i * ((last - first) / static_cast<double>(count - 1)) + first;
  return cast(select(eq(i, static_cast<double>(count - 1)), last, spaced), dtype);
}

}  // namespace strata::ops
