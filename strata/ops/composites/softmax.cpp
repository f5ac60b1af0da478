#include "strata/ops/composites/softmax.h"

#include <fmt/format.h>

#include <limits>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// The largest element, as a constant for derivatives: it cancels in what is made with it. Infinite maxima become 0, so
/// that rows of -inf give no NaN by inf - inf.
Value shift_of(Value x, const Ints& axes) {
  const Value top = stop_gradient(reduce_max(x, axes));
  return select(is_finite(top), top, zeros_like(top));
}

/// x at the targets along the last axis, as a masked sum: it fuses with what made x, and so does its derivative, where
/// a gather would need a scatter into zeros of the logits' size. One term of each sum is not 0, so nothing rounds.
Value at_targets(Value x, Value targets) {
  const int64_t last = x.rank() - 1;
  const Value column = iota_like(x, targets.dtype(), last);
  const Value hit = eq<Value>(column, broadcast(targets, x.shape(), iota_ints(0, last)));
  return reduce_sum(select(hit, x, zeros_like(x)), {last});
}

/// The targets as i64. One that is neither a class nor ignored is an error of the run (E0118), told by a gather from
/// the list of classes: it reports class, row and extent, also from compiled code, and its result keeps it alive.
Value checked_targets(Value targets, Dim classes, int64_t ignored) {
  const Value wide = cast(targets, DType::i64);  // so that the ignored index has a value, also for unsigned targets
  const Value counts = ne<Value>(wide, ignored);
  const Value list = iota(targets.graph(), Type::of(DType::i64, {classes}), 0);
  return select(counts, rows_for("cross_entropy", list, select(counts, wide, zeros_like(wide))), wide);
}

Value logsumexp_of(Value x, const Ints& axes) {
  const Value top = shift_of(x, axes);
  const Value sum = reduce_sum(exp(x - spread(top, x, axes)), axes);
  // Where all are -inf the log is not asked: its derivative at 0 would be inf, times 0.
  const Value is_empty = eq(sum, 0);
  return select(is_empty, -std::numeric_limits<double>::infinity(), log(select(is_empty, 1, sum)) + top);
}

Value softmax_of(Value x, const Ints& axes) {
  const Value e = exp(x - spread(stop_gradient(reduce_max(x, axes)), x, axes));
  return e / spread(reduce_sum(e, axes), x, axes);
}

Value log_softmax_of(Value x, const Ints& axes) {
  const Value shifted = x - spread(stop_gradient(reduce_max(x, axes)), x, axes);
  return shifted - spread(log(reduce_sum(exp(shifted), axes)), x, axes);
}

Value cross_entropy_of(Value logits, Value targets, const CrossEntropyOptions& o) {
  const int64_t last = logits.rank() - 1;
  targets = cast(targets, DType::i64);  // so that the ignored index has a value, also for unsigned targets
  const Value counts = ne<Value>(targets, o.ignore_index);
  // What counts nothing is hidden in front of the softmax, too: behind it, infinite and NaN logits would meet the
  // cotangent 0 of their row as 0 times inf.
  const Value logp = log_softmax(select(broadcast(counts, logits.shape(), iota_ints(0, last)), logits, 0), last);
  Value loss = neg(at_targets(logp, targets));
  // A target that is spread whole does not count at all: it may be infinite.
  if (o.label_smoothing == 1.0)
    loss = -mean(logp, {last});
  else if (o.label_smoothing != 0.0)
    loss = loss * (1.0 - o.label_smoothing) - mean(logp, {last}) * o.label_smoothing;
  loss = select(counts, loss, zeros_like(loss));
  const Ints all = iota_ints(0, loss.rank());
  if (o.reduction == Reduction::Mean) loss = reduce_sum(loss, all) / reduce_sum(cast(counts, loss.dtype()), all);
  if (o.reduction == Reduction::Sum) loss = reduce_sum(loss, all);
  return loss;
}

}  // namespace

std::string_view reduction_name(Reduction reduction) {
  constexpr std::string_view kNames[] = {"none", "mean", "sum"};
  return kNames[static_cast<size_t>(reduction)];
}

Value logsumexp(Value x, const Ints& axes) {
  require_floats("logsumexp", x);
  const Ints named = axes_of(axes, x.rank(), "logsumexp", true);
  return as_composite(
      "logsumexp", {Attr("axes", ints_span(named))}, [&](Value v) { return logsumexp_of(v, named); }, x);
}

Value softmax(Value x, int64_t axis) {
  require_floats("softmax", x);
  axis = axis_of(axis, x.rank(), "softmax");
  return as_composite("softmax", {Attr("axis", axis)}, [&](Value v) { return softmax_of(v, {axis}); }, x);
}

Value log_softmax(Value x, int64_t axis) {
  require_floats("log_softmax", x);
  axis = axis_of(axis, x.rank(), "log_softmax");
  return as_composite("log_softmax", {Attr("axis", axis)}, [&](Value v) { return log_softmax_of(v, {axis}); }, x);
}

Value one_hot(Value indices, Dim classes, DType dtype) {
  Shape shape = shape_of(indices);
  shape.push_back(classes);
  if (!ir::is_int(indices.dtype()))
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("one_hot: the indices are integers, found {}", indices.type().str()))
        .hint("cast them to i64");
  // Small integers can't number many classes: 256 would be 0 in u8.
  if (ir::dtype_bytes(indices.dtype()) < 4) indices = cast(indices, DType::i32);
  const Value column = iota(indices.graph(), Type::of(indices.dtype(), shape), indices.rank());
  const Value spread_out = broadcast(indices, dims_span(shape), iota_ints(0, indices.rank()));
  return cast(eq<Value>(column, spread_out), dtype);
}

Value cross_entropy(Value logits, Value targets, const CrossEntropyOptions& o) {
  Shape expected = shape_of(logits);
  if (!expected.empty()) expected.pop_back();
  if (logits.rank() == 0 || !ir::proved_equal(targets.shape(), expected) || !ir::is_int(targets.dtype()))
    throw base::Error(
        base::code::kOperandShapes,
        fmt::format("cross_entropy: logits are [..., classes] and targets integers [...], found {} and {}",
                    logits.type().str(), targets.type().str()));
  require_floats("cross_entropy", logits);
  require_choice("cross_entropy", "reduction", o.reduction, 3);
  base::OptionCheck(base::code::kAttributeValue, "cross_entropy")
      .number("label_smoothing", o.label_smoothing, base::Bounds::between(0, 1));
  // In front of the composite: whoever claims it is given targets that are classes or ignored.
  targets = checked_targets(targets, logits.type().dim(logits.rank() - 1), o.ignore_index);
  return as_composite(
      "cross_entropy",
      {Attr("label_smoothing", o.label_smoothing), Attr("ignore_index", o.ignore_index),
       Attr("reduction", reduction_name(o.reduction))},
      [&](Value x, Value y) { return cross_entropy_of(x, y, o); }, logits, targets);
}

}  // namespace strata::ops
