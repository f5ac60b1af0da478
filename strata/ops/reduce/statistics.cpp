// Reductions as users call them, and mean, variance and standard deviation on top.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/operands/extent_check.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// How many elements are folded less `correction`, at least 0, as a scalar of x's accumulation dtype; a symbolic count
/// is read at run time.
Value count_of(Value x, const Ints& axes, int64_t correction = 0) {
  Dim count = 1;
  for (int64_t a : axes) count = count * x.type().dim(a);
  const double less = correction;
  if (count.is_constant())
    return scalar(x.graph(), x.dtype(), std::max(0.0, static_cast<double>(count.constant()) - less));
  const Value all = cast(dimension(x.graph(), count), x.dtype());
  return correction == 0 ? all : maximum(all - less, 0);
}

Value quotient(Value sum, Value count) { return sum / broadcast_to(count, sum.shape()); }

/// Half floats are averaged in f32: a sum may not fit their range. Integers are refused: their sum and the number of
/// elements may not fit, and the quotient would be cut.
Value widened(Value x, std::string_view what) {
  require_floats(what, x);
  return cast(x, accumulation_dtype(x.dtype()));
}

Value with_kept_axes(std::string_view name, Value y, Value x, const Ints& axes, Keep keep) {
  require_choice(name, "keep", keep, 2);
  if (keep == Keep::Drop) return y;
  Shape shape = shape_of(x);
  for (int64_t a : axes) shape[a] = 1;
  return reshape(y, shape);
}

/// Of `wide`, which has the accumulation dtype: nothing is rounded yet.
Value variance_of(Value wide, const Ints& named, int64_t correction) {
  return quotient(moments(wide, named).squares, count_of(wide, named, correction));
}

Value average(Value x, const Ints& axes) { return quotient(reduce_sum(x, axes), count_of(x, axes)); }

Value centred(Value x, Value mean, const Ints& axes) { return x - spread(mean, x, axes); }

Moments moments_of_one_block(Value x, const Ints& axes) {
  const Value mean = average(x, axes), away = centred(x, mean, axes);
  const Value squares = reduce_sum(away * away, axes);
  return {mean, squares, quotient(squares, count_of(x, axes))};
}

/// Blocks of equal size n: the squares are those within the blocks and n times those of the blocks' means
///   sum (x - m)^2 = sum of blocks' sum (x - m_b)^2 + n * sum of blocks' (m_b - m)^2
std::vector<Value> merged_moments(Value x, const Ints& axes, const TwoSides& sides) {
  const Moments block = moments_of_one_block(x, sides.behind);
  const Value mean = average(x, axes);  // of the blocks' sums
  const Value away = centred(block.mean, mean, sides.before);
  const Value within = reduce_sum(block.squares, sides.before), between = reduce_sum(away * away, sides.before);
  return {mean, within + between * broadcast_to(count_of(x, sides.behind), within.shape())};
}

/// The tangents of both are those of one block: where the blocks end has no part in them.
std::vector<Value> tangents_of_moments(Value x, Value dx, const Ints& axes) {
  return {average(dx, axes), reduce_sum(centred(x, average(x, axes), axes) * dx, axes) * 2.0};
}

/// A maximum of nothing has no number to be. Where nothing is asked for either, all is well.
void require_elements(const Op& op, Value x, const Ints& axes) {
  Dim results = 1;
  for (int64_t a : other_axes(ints_span(axes), x.rank())) results = results * x.type().dim(a);
  if (results == Dim(0)) return;
  for (int64_t a : axes)
    require_extent(x.graph(), x.type().dim(a), 1, base::code::kAttributeValue,
                   fmt::format("{}: axis {} of {} is empty", &op == &kReduceMax ? "max" : "min", a, x.type().str()));
}

}  // namespace

Value spread(Value y, Value like, const Ints& axes) {
  return broadcast(y, like.shape(), other_axes(axes_of(axes, like.rank(), "spread"), like.rank()));
}

Moments moments(Value x, const Ints& axes) {
  const TwoSides sides(axes, x.rank());
  if (!sides.are_both()) return moments_of_one_block(x, axes);
  const Type one[] = {x.type()}, two[] = {x.type(), x.type()};
  const GraphRef value = make_region(
      "moments", one, [&](Graph&, const std::vector<Value>& p) { return merged_moments(p[0], axes, sides); });
  const GraphRef slope = make_region(
      "tangents", two, [&](Graph&, const std::vector<Value>& p) { return tangents_of_moments(p[0], p[1], axes); });
  const std::vector<Value> made = custom_jvp(x.graph(), value, slope, {&x, 1}, {});
  return {made[0], made[1], quotient(made[1], count_of(x, axes))};
}

Value reduce(const Op& op, Value x, const Ints& axes, Keep keep) {
  const Ints named = axes_of(axes, x.rank(), op.name, true);
  if (&op == &kReduceMax || &op == &kReduceMin) require_elements(op, x, named);
  return with_kept_axes(op.name, reduce_over(op, x, named), x, named, keep);
}

Value mean(Value x, const Ints& axes, Keep keep) {
  const Ints named = axes_of(axes, x.rank(), "mean", true);
  const Value wide = widened(x, "mean");
  const Value y = average(wide, named);
  return with_kept_axes("mean", cast(y, x.dtype()), x, named, keep);
}

Value variance(Value x, const Ints& axes, int64_t correction, Keep keep) {
  const Ints named = axes_of(axes, x.rank(), "variance", true);
  const Value y = variance_of(widened(x, "variance"), named, correction);
  return with_kept_axes("variance", cast(y, x.dtype()), x, named, keep);
}

Value stddev(Value x, const Ints& axes, int64_t correction, Keep keep) {
  const Ints named = axes_of(axes, x.rank(), "stddev", true);
  const Value v = variance_of(widened(x, "stddev"), named, correction);
  // The root is not asked where the variance is 0: its slope is infinite there, times the distances, which are 0.
  const Value is_constant = eq(v, 0), y = select(is_constant, 0, sqrt(select(is_constant, 1, v)));
  return with_kept_axes("stddev", cast(y, x.dtype()), x, named, keep);
}

}  // namespace strata::ops
