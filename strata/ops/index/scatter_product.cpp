// Updates are sorted by the position that they fall on; within each run of equal positions, the product of what stands
// before an update and of what stands behind it meet, as in the derivative of reduce_prod.
//
//   position    2  2  2  5  5        sorted, stable
//   update      a  b  c  d  e
//   before      1  a ab  1  d        a scan that starts again at each new position
//   behind     bc  c  1  e  1        the same from the other end
#include "strata/ops/index/scatter_product.h"

#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"

namespace strata::ops {
namespace {

Value times_extent(Value x, Dim extent) {
  if (extent.is_constant()) return x * static_cast<double>(extent.constant());
  return x * broadcast_to(dimension(x.graph(), extent), x.shape());
}

/// One number for each position that updates fall on, in the shape of the updates' leading axes.
Value destinations(const Node& n, const GatherLayout& g) {
  const Type x = n.operand(0).type();
  const Value indices = cast(n.operand(1), DType::i64);
  Value key = zeros_like(take(indices, scalar(indices.graph(), DType::i64, 0), -1));
  for (int64_t b = 0; b < g.batch; ++b) key = times_extent(key, x.dim(b)) + iota_like(key, DType::i64, b);
  for (size_t k = 0; k < g.axes.size(); ++k) {
    const Dim extent = x.dim(g.axes[k]);
    Value at = take(indices, scalar(indices.graph(), DType::i64, static_cast<double>(k)), -1);
    if (mode_of(n) == OutOfRange::Clamp) at = minimum(maximum(at, 0), times_extent(ones_like(at), extent) - 1);
    key = times_extent(key, extent) + at;
  }
  return key;
}

/// The product of the rows in front of each row that have its key (behind it, for the reverse order).
Value running_product(Value keys, Value rows, ScanOrder order) {
  Graph& graph = rows.graph();
  const Dim count = keys.type().dim(0);
  const Shape row{rows.type().dim(1)};
  const Value nothing = scalar(graph, DType::i64, -1), one = full(graph, Type::of(rows.dtype(), row), 1.0);
  const Value is_first = full(graph, Type::scalar(DType::boolean), 1.0);
  auto step = [&](Graph&, const std::vector<Value>& v) -> std::vector<Value> {
    const Value before_key = v[0], product = v[1], is_start = v[2], key = v[3], factor = v[4];
    const Value is_same = bitwise_and<Value>(eq<Value>(key, before_key), bitwise_not(is_start));
    const Value here = select(broadcast_to(is_same, product.shape()), product, ones_like(product));
    return {key, here * factor, zeros_like(is_start), here};
  };
  return scan({.constants = {}, .carries = {nothing, one, is_first}, .xs = {keys, rows}}, count, step, order).ys[0];
}

}  // namespace

Value product_of_other_updates(const Node& n) {
  const GatherLayout g(n.attrs, n.operand(0).type(), n.operand(1).type());
  const Value updates = n.operand(2);
  Dim count = 1, width = 1;
  for (int a = 0; a < updates.rank(); ++a)
    (a < g.lead ? count : width) = (a < g.lead ? count : width) * updates.type().dim(a);
  const Value rows = reshape(cast(updates, accumulation_dtype(updates.dtype())), {count, width});
  const Value keys = reshape(destinations(n, g), {count}), order = argsort(keys, 0);
  const Value sorted_keys = take(keys, order, 0, OutOfRange::Fill), sorted = take(rows, order, 0, OutOfRange::Fill);
  const Value before = running_product(sorted_keys, sorted, ScanOrder::Forward);
  const Value behind = running_product(sorted_keys, sorted, ScanOrder::Reverse);
  const Value others = take(before * behind, argsort(order, 0), 0, OutOfRange::Fill);
  return cast(reshape(others, shape_of(updates)), updates.dtype());
}

}  // namespace strata::ops
