#include "strata/ops/composites/attention.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/composites/attention_blocks.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/operands/operators.h"
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

/// Scores are of f64 where an operand is, else of f32.
bool has_wide_scores(Value q, Value v) { return q.dtype() == DType::f64 || v.dtype() == DType::f64; }

/// Of operands as users give them.
Value attention_of(AttentionOperands x, const ScoreForm& form, const ScoreFunction* score) {
  x.k = repeated_heads(x.k, x.q.type().dim(1));
  x.v = repeated_heads(x.v, x.q.type().dim(1));
  const DType result = x.v.dtype();
  const DType t = has_wide_scores(x.q, x.v) ? DType::f64 : DType::f32;
  for (Value* v : {&x.mask, &x.factor})
    if (*v) *v = with_rank(*v, 4);
  for (Value* v : {&x.q, &x.k, &x.v, &x.mask, &x.factor, &x.sinks})
    if (*v && ir::is_float(v->dtype())) *v = cast(*v, t);
  return cast(attention_by_blocks(x, form, score), result);
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
  if (factor && !ir::is_float(factor.dtype()))
    throw base::Error(base::code::kOperandTypes,
                      fmt::format("attention: the factor is of floats, found {}", factor.type().str()));
  require_broadcastable("attention", "the factor", factor, scores);
}

void check_sinks_and_segments(Value q, Value k, Value sinks, Value segments) {
  if (sinks &&
      (sinks.rank() != 1 || !ir::is_float(sinks.dtype()) || !ir::proved_equal(sinks.type().dim(0), q.type().dim(1))))
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("attention: sinks are floats [{}], one a query head, found {}", q.type().dim(1).str(),
                                  sinks.type().str()));
  if (!segments) return;
  require_same_extent("the positions", "q", q, "k", k, 2, 2);
  if (segments.rank() != 2 || !ir::is_int(segments.dtype()) ||
      !ir::proved_equal(segments.type().dim(0), q.type().dim(0)) ||
      !ir::proved_equal(segments.type().dim(1), k.type().dim(2)))
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("attention: segments are integers [{},{}], found {}", q.type().dim(0).str(),
                                  k.type().dim(2).str(), segments.type().str()));
}

/// Of a factor that scores are multiplied with, and divided by in gradients: what scores can't hold, or only with a
/// part of its bits, makes infinities and NaN of them.
void require_held(const char* name, double value, bool is_wide) {
  const double least = is_wide ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min();
  const double most = is_wide ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  if (value == 0 || (std::abs(value) >= least && std::abs(value) <= most)) return;
  throw base::Error(base::code::kAttributeValue,
                    fmt::format("attention: {} is {:g}, expected 0 or a magnitude of {:.3g} to {:.3g}, which scores of "
                                "{} hold",
                                name, value, least, most, is_wide ? "f64" : "f32"));
}

void check_options(const AttentionOptions& o, bool is_wide) {
  const base::OptionCheck check(base::code::kAttributeValue, "attention");
  if (o.scale) check.number("scale", *o.scale, base::Bounds::finite());
  check.number("soft_cap", o.soft_cap, base::Bounds::at_least(0));
  if (o.scale) require_held("scale", *o.scale, is_wide);
  require_held("soft_cap", o.soft_cap, is_wide);
  check.integer("window", o.window, base::Bounds::between(0, kMostPositions))
      .integer("key_block", o.key_block, kKeyBlock);
}

/// Checked; the scale filled in.
ScoreForm form_of(Value q, Value v, const AttentionOptions& options) {
  check_options(options, has_wide_scores(q, v));
  const Dim depth = q.type().dim(3);
  if (!options.scale && !depth.is_constant()) {
    ir::note_symbolic(depth);
    throw base::Error(base::code::kNoSuchForm, "attention: the head's extent is symbolic; give a scale");
  }
  if (!options.scale && depth.constant() == 0)
    throw base::Error(
        base::code::kAttributeValue,
        fmt::format("attention: q is {}: heads without channels have no scale of their own, 1/sqrt(0)", q.type().str()))
        .hint("give a scale");
  return {.scale = options.scale ? *options.scale : 1.0 / std::sqrt(static_cast<double>(depth.constant())),
          .is_causal = options.is_causal,
          .window = options.window,
          .soft_cap = options.soft_cap,
          .key_block = options.key_block};
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

Value attention(Value q, Value k, Value v, Value mask, const AttentionOptions& options, Value factor, Value sinks,
                Value segments) {
  check_operands(q, k, v, mask, factor);
  check_sinks_and_segments(q, k, sinks, segments);
  const ScoreForm form = form_of(q, v, options);
  const auto body = [&](Value q, Value k, Value v, Value mask, Value factor, Value sinks, Value segments) {
    return attention_of({q, k, v, mask, factor, sinks, segments, {}}, form, nullptr);
  };
  return as_composite("attention", attrs_of(form), body, q, k, v, mask, factor, sinks, segments);
}

Value attention_with_score(Value q, Value k, Value v, const ScoreFunction& score, const std::vector<Value>& captures,
                           const AttentionOptions& options) {
  check_operands(q, k, v, {}, {});
  AttentionOperands x{.q = q, .k = k, .v = v};
  x.captures = captures;
  return attention_of(x, form_of(q, v, options), &score);
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
