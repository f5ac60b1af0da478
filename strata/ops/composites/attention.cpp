#include "strata/ops/composites/attention.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

/// Keys and values of each group once per query head of the group.
Value repeated_heads(Value x, Dim heads) {
  const Shape s = shape_of(x);
  if (s[1] == heads) return x;
  const Dim times = floor_div(heads, s[1]);
  if (!ir::proved_equal(times * s[1], heads))
    throw base::Error(base::code::kUnequalDims, fmt::format("attention: {} query heads are no multiple of {} key heads",
                                                            heads.str(), s[1].str()));
  const Shape apart{s[0], s[1], times, s[2], s[3]};
  return reshape(broadcast(x, dims_span(apart), ints_span({0, 1, 3, 4})), {s[0], heads, s[2], s[3]});
}

/// scores [B, H, T, S]: whether column j may be seen from row i, j <= i + (S - T).
Value causal_mask(Value scores) {
  const Dim t = scores.type().dim(2), s = scores.type().dim(3);
  const Value row = iota_like(scores, DType::i64, 2), column = iota_like(scores, DType::i64, 3);
  if (s == t) return le<Value>(column, row);
  return le<Value>(column, row + broadcast_to(dimension(scores.graph(), s - t), scores.shape()));
}

Value attention_of(Value q, Value k, Value v, Value mask, Value factor, bool is_causal, double scale) {
  k = repeated_heads(k, q.type().dim(1));
  v = repeated_heads(v, q.type().dim(1));
  Value scores = dot(q, k, {{3}, {3}, {0, 1}, {0, 1}}, accumulation_dtype(q.dtype())) * scale;
  Value visible;  // bool like the scores; null: everything is
  if (mask && ir::is_float(mask.dtype())) {
    const Value added = broadcast_to(cast(mask, scores.dtype()), scores.shape());
    visible = ne<Value>(added, -std::numeric_limits<double>::infinity());
    scores = scores + select(visible, added, zeros_like(added));
  } else if (mask) {
    visible = broadcast_to(mask, scores.shape());
  }
  if (is_causal) visible = visible ? visible & causal_mask(scores) : causal_mask(scores);
  // The lowest number instead of -inf: the softmax of a row that may see nothing is uniform, not NaN, and then 0.
  const double lowest = scores.dtype() == DType::f64 ? std::numeric_limits<double>::lowest()
                                                     : static_cast<double>(std::numeric_limits<float>::lowest());
  if (visible) scores = select(visible, scores, constant_like(scores, lowest));
  Value weights = softmax(scores, 3);
  if (visible) weights = select(visible, weights, zeros_like(weights));
  if (factor) weights = weights * cast(factor, weights.dtype());
  return dot(cast(weights, v.dtype()), v, {{3}, {2}, {0, 1}, {0, 1}});
}

/// `what`: the name of the axes that q or k and another operand have in common.
void require_same_extent(const char* what, std::string_view name, Value x, std::string_view other, Value y, int axis,
                         int axis_of_y) {
  const Dim a = x.type().dim(axis), b = y.type().dim(axis_of_y);
  if (ir::proved_equal(a, b)) return;
  throw base::Error(base::code::kUnequalDims,
                    fmt::format("attention: {} of {} {} and {} {} differ: {} and {}", what, name, x.type().str(), other,
                                y.type().str(), a.str(), b.str()));
}

void check_operands(Value q, Value k, Value v, Value mask, Value factor) {
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4)
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("attention: q, k and v are [B, H, T, D], found {}, {} and {}", q.type().str(),
                                  k.type().str(), v.type().str()));
  for (const Value x : {q, k, v}) require_floats("attention", x);
  if (q.dtype() != k.dtype())
    throw base::Error(base::code::kOperandTypes, fmt::format("attention: q and k have one dtype, found {} and {}",
                                                             q.type().str(), k.type().str()));
  require_same_extent("the batches", "q", q, "k", k, 0, 0);
  require_same_extent("the batches", "q", q, "v", v, 0, 0);
  require_same_extent("the channels of a head", "q", q, "k", k, 3, 3);
  require_same_extent("the positions", "k", k, "v", v, 2, 2);
  if (mask && !ir::is_bool(mask.dtype()) && !ir::is_float(mask.dtype()))
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("attention: the mask is of bool or floats, found {}", mask.type().str()));
  const Dim scores[] = {q.type().dim(0), q.type().dim(1), q.type().dim(2), k.type().dim(2)};
  require_broadcastable("attention", "the mask", mask, scores);
  require_broadcastable("attention", "the factor", factor, scores);
}

Value rope_of(Value x, Value positions, int64_t half, double base) {
  const DType t = accumulation_dtype(x.dtype());
  HostArray frequencies(t, {half});
  for (int64_t d = 0; d < half; ++d)
    frequencies.set(d, std::pow(base, -2.0 * static_cast<double>(d) / static_cast<double>(2 * half)));
  const Shape grid{positions.type().dim(0), Dim(half)};
  const Value angle = broadcast(cast(positions, t), dims_span(grid), ints_span({0})) *
                      broadcast(constant(x.graph(), frequencies), dims_span(grid), ints_span({1}));
  const auto halves = split(cast(x, t), {Dim(half), Dim(half)}, -1);
  const Value c = broadcast_to(cos(angle), halves[0].shape()), s = broadcast_to(sin(angle), halves[0].shape());
  const Value y = concat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1);
  return cast(y, x.dtype());
}

}  // namespace

Value attention(Value q, Value k, Value v, Value mask, const AttentionOptions& options, Value factor) {
  check_operands(q, k, v, mask, factor);
  if (options.scale)
    base::OptionCheck(base::code::kAttributeValue, "attention").number("scale", *options.scale, base::Bounds::finite());
  const Dim depth = q.type().dim(3);
  if (!options.scale && !depth.is_constant()) {
    ir::note_symbolic(depth);
    throw base::Error(base::code::kNoSuchForm, "attention: the head's extent is symbolic; give a scale");
  }
  const double scale = options.scale ? *options.scale : 1.0 / std::sqrt(static_cast<double>(depth.constant()));
  const auto body = [&](Value a, Value b, Value c, Value m, Value f) {
    return attention_of(a, b, c, m, f, options.is_causal, scale);
  };
  return as_composite("attention", {Attr("is_causal", options.is_causal), Attr("scale", scale)}, body, q, k, v, mask,
                      factor);
}

Value rope(Value x, Value positions, double base) {
  require_floats("rope", x);
  const Dim depth = x.type().dim(-1);
  ir::note_symbolic(depth);
  if (!depth.is_constant() || depth.constant() % 2 != 0 || positions.rank() != 1)
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("rope: x is [..., T, D] with D even, positions [T], found {} and {}", x.type().str(),
                                  positions.type().str()));
  base::OptionCheck(base::code::kAttributeValue, "rope").number("base", base, kRopeBase);
  const int64_t half = depth.constant() / 2;
  return as_composite(
      "rope", {Attr("base", base)}, [&](Value v, Value p) { return rope_of(v, p, half, base); }, x, positions);
}

}  // namespace strata::ops
