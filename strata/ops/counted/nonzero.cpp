// Positions of elements that are not 0, and what stands there: a running count says where each goes.
#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/counted/counted.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

Value number_of(Graph& graph, Dim d) {
  return d.is_constant() ? scalar(graph, DType::i64, d.constant()) : dimension(graph, d);
}

/// Rows of x along `axis` at positions that are there, each named once.
Value rows_at(Value x, Value positions, int64_t axis) {
  const Dim extent = x.type().dim(axis);
  // Nothing can be clamped into an axis that may be empty.
  const bool has_rows = extent.is_constant() && extent.constant() > 0;
  const Value rows = gather(x, expand_dims(positions, -1), {axis}, 0, has_rows ? OutOfRange::Clamp : OutOfRange::Fill,
                            /*most=*/1);
  return move_axis(rows, 0, axis);
}

}  // namespace

Value flatnonzero(Value x) {
  Graph& graph = x.graph();
  const Dim elements = x.type().elements();
  const Value is_there = reshape(x.dtype() == DType::boolean ? x : ne(x, 0), {elements});
  const Value ones = cast(is_there, DType::i64);
  const Value range = counted_range(reduce_sum(ones, {0}), elements);
  const Value place = select(is_there, cumsum(ones, 0) - 1, -1);  // -1 is out of range: dropped
  const Value order = iota(graph, Type::of(DType::i64, {elements}), 0);
  return scatter(range, expand_dims(place, -1), order, {0}, 0, OutOfRange::Fill, Combine::Set, /*most=*/1);
}

Value nonzero(Value x, DType dtype) {
  if (!ir::is_int(dtype))
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("nonzero: indices are integers, found {}", ir::dtype_name(dtype)));
  Graph& graph = x.graph();
  const Value flat = flatnonzero(x);
  if (x.rank() == 0) return full(graph, Type::of(dtype, {flat.type().dim(0), Dim(0)}), 0);
  std::vector<Value> columns;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const Dim behind = ir::product(x.shape().subspan(axis + 1));
    Value index = behind == Dim(1) ? flat : div(flat, number_of(graph, behind));
    if (axis > 0) index = rem(index, number_of(graph, x.type().dim(axis)));
    columns.push_back(cast(index, dtype));
  }
  return stack(columns, 1);
}

Value compact(Value x, Value mask, int64_t axis) {
  axis = axis_of(axis, x.rank(), "compact");
  const Dim extent = x.type().dim(axis);
  if (mask.dtype() != DType::boolean)
    throw base::Error(base::code::kOperandTypes, "compact: the mask is bool, found " + mask.type().str());
  const Dim expected[] = {extent};
  if (!ir::proved_equal(mask.shape(), expected))
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("compact: the mask of axis {} of {} should be {}, found {}", axis, x.type().str(),
                                  Type::of(DType::boolean, expected).str(), mask.type().str()));
  return rows_at(x, flatnonzero(mask), axis);
}

}  // namespace strata::ops
