#include "strata/ops/composites/attention_blocks.h"

#include <array>
#include <functional>

#include "strata/ops/composites/attention_one_walk.h"
#include "strata/ops/composites/attention_walk.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using Values = std::vector<Value>;
using Operands = AttentionOperands;
using Meaning = AttentionMeaning;
using Walk = AttentionWalk;

/// Reverse mode of reverse mode and one more go by the rule of this file; those beyond keep the state of each block.
constexpr int kOrdersByRule = 2;

Value finite_or_zero(Value x) { return select(is_finite(x), x, zeros_like(x)); }
Value zeros(Graph& graph, DType dtype, const Shape& shape) { return full(graph, Type::of(dtype, shape), 0.0); }

/// (m, l, o) of a block, folded into the state. Step: constants q; slices k, v.
Values fold_block(const Walk& walk, const Walk::Step& step) {
  const Value m = step.carries[0], l = step.carries[1], o = step.carries[2], number = step.block.number;
  const Walk::Scores scores = walk.scores(step.slices[0], step.constants[0], step.block);
  const Value s = scores.masked;
  const auto along_block = [&](Value per_lane) { return broadcast(per_lane, s.shape(), ints_span({0, 1, 3})); };
  const auto along_values = [&](Value per_lane) { return broadcast(per_lane, o.shape(), ints_span({0, 1, 3})); };
  const Value block_m = stop_gradient(reduce_max(s, {2}));
  Value weights = exp(s - along_block(finite_or_zero(block_m)));
  const Value block_l = reduce_sum(weights, {2});
  if (step.block.factor) weights = weights * broadcast_to(step.block.factor, s.shape());
  const Value block_o = Walk::sum_over_block(step.slices[1], weights, scores.visible);
  const Value most = maximum(m, block_m), shift = finite_or_zero(most);
  const Value a = exp(m - shift), b = exp(block_m - shift);
  return {walk.where_seen(most, m, number), walk.where_seen(l * a + block_l * b, l, number),
          walk.where_seen(o * along_values(a) + block_o * along_values(b), o, number)};
}

/// The result [B, H, T, E], and the logarithm of the sum of exponentials [B, H, T]: 0 where nothing is seen.
Values forward(const Operands& x, const Meaning& meaning) {
  Graph& g = x.q.graph();
  const Walk walk(WalkBy::Keys, x, meaning);
  const Shape q = shape_of(x.q);
  const Shape rows{q[0], q[1], q[2]};
  const DType t = x.q.dtype();
  Values start{full(g, Type::of(t, rows), kNothing), zeros(g, t, rows),
               zeros(g, t, {q[0], q[1], x.v.type().dim(3), q[2]})};
  if (x.sinks) {  // a block of one key without a value; its own derivative is that of the logarithm
    const Value shift = finite_or_zero(stop_gradient(x.sinks));  // one of -inf is none
    start[0] = broadcast(stop_gradient(x.sinks), dims_span(rows), ints_span({1}));
    start[1] = broadcast(exp(x.sinks - shift), dims_span(rows), ints_span({1}));
  }
  const auto [constants, slices] = walk.steps(x, {by_lanes(x.q)}, {walk.blocks(x.k), walk.blocks(x.v)});
  const auto state = scan({constants, start, slices}, walk.count(), [&](Graph&, const Values& p) {
                       return fold_block(walk, walk.step(x, p, 1, 3, 2));
                     }).carries;
  const Value is_empty = eq(state[1], 0), sum = select(is_empty, ones_like(state[1]), state[1]);
  const Value out = state[2] / broadcast(sum, state[2].shape(), ints_span({0, 1, 3}));
  return {by_lanes(out), select(is_empty, zeros_like(sum), log(sum) + finite_or_zero(state[0]))};
}

/// A function of a step's constants and slices that reverse mode computes again.
using StepFn = std::function<Values(const Walk::Step&)>;
Values recomputed(const Walk& walk, const Operands& x, const Values& parameters, size_t constants, size_t carries,
                  size_t slices, const StepFn& body) {
  const size_t first = constants + (x.segments ? 1 : 0) + x.captures.size();
  Values operands(parameters);
  operands.erase(operands.begin() + static_cast<int64_t>(first),
                 operands.begin() + static_cast<int64_t>(first + carries));
  const GraphRef region = make_region("attention_block", types_of(operands), [&](Graph&, const Values& p) {
    return body(walk.step(x, p, constants, 0, slices));
  });
  return checkpoint(parameters[0].graph(), region, operands);
}

class Backward {
 public:
  Backward(const Operands& x, Value log_sum, Value d_out, Value delta, const Meaning& meaning)
      : x_(x), log_sum_(log_sum), d_out_(d_out), delta_(delta), meaning_(meaning) {}

  Value d_queries() const {
    const Walk walk(WalkBy::Keys, x_, meaning_);
    const Walk::Steps steps = by_keys(walk);
    const auto body = [&](Graph&, const Values& p) -> Values {
      const Walk::Step own = walk.step(x_, p, 4, 1, 2);
      const Value before = own.carries[0];
      const Value more = recomputed(walk, x_, p, 4, 1, 2, [&](const Walk::Step& s) -> Values {
        const BlockGradient at = at_keys(walk, s);
        return {Walk::sum_over_block(s.slices[0], at.d_score, at.visible)};
      })[0];
      return {walk.where_seen(before + more, before, own.block.number)};
    };
    const Value start = zeros_like(steps.constants[0]);
    return by_lanes(scan({steps.constants, {start}, steps.slices}, walk.count(), body).carries[0]);
  }

  std::array<Value, 2> d_keys_and_values() const {
    const Walk walk(WalkBy::Queries, x_, meaning_);
    const Walk::Steps steps =
        walk.steps(x_, {by_lanes(x_.k), by_lanes(x_.v)},
                   {walk.blocks(x_.q), walk.blocks(d_out_), walk.blocks(log_sum_), walk.blocks(delta_)});
    const auto body = [&](Graph&, const Values& p) -> Values {
      const Walk::Step own = walk.step(x_, p, 2, 2, 4);
      const Value d_k = own.carries[0], d_v = own.carries[1], number = own.block.number;
      const Values more = recomputed(walk, x_, p, 2, 2, 4, [&](const Walk::Step& s) -> Values {
        const Value q = s.slices[0], d_out = s.slices[1], k = s.constants[0], v = s.constants[1];
        const Shape scores{q.type().dim(0), q.type().dim(1), q.type().dim(2), k.type().dim(3)};
        const auto spread = [&](Value row) { return broadcast(row, dims_span(scores), ints_span({0, 1, 2})); };
        const BlockGradient at =
            gradient_of_block(walk, {q, k}, {d_out, v}, spread(s.slices[2]), spread(s.slices[3]), s.block);
        return {Walk::sum_over_block(q, at.d_score, at.visible), Walk::sum_over_block(d_out, at.weights, at.visible)};
      });
      return {walk.where_seen(d_k + more[0], d_k, number), walk.where_seen(d_v + more[1], d_v, number)};
    };
    const Values start{zeros_like(steps.constants[0]), zeros_like(steps.constants[1])};
    const auto sums = scan({steps.constants, start, steps.slices}, walk.count(), body).carries;
    return {by_lanes(sums[0]), by_lanes(sums[1])};
  }

  /// These have an element for each query and key, and a walk of their own: nobody pays for them who does not ask.
  Value d_mask() const {
    return summed_like(x_.mask, [](const BlockGradient& g) { return g.d_masked; });
  }
  Value d_factor() const {
    return summed_like(x_.factor, [](const BlockGradient& g) { return g.d_factor; });
  }
  /// Its weight has no value: only the sum of the weights, which is 1, ties it to the others.
  Value d_sinks() const {
    const Value weight = exp(broadcast(x_.sinks, delta_.shape(), ints_span({1})) - log_sum_);
    return -reduce_sum(weight * delta_, {0, 2});
  }

 private:
  /// Constants q, dO, log_sum, delta; slices k, v.
  Walk::Steps by_keys(const Walk& walk) const {
    return walk.steps(x_, {by_lanes(x_.q), by_lanes(d_out_), log_sum_, delta_}, {walk.blocks(x_.k), walk.blocks(x_.v)});
  }
  static BlockGradient at_keys(const Walk& walk, const Walk::Step& s) {
    const Value q = s.constants[0], k = s.slices[0];
    const Shape scores{q.type().dim(0), q.type().dim(1), k.type().dim(2), q.type().dim(3)};
    const auto spread = [&](Value per_lane) { return broadcast(per_lane, dims_span(scores), ints_span({0, 1, 3})); };
    return gradient_of_block(walk, {k, q}, {s.slices[1], s.constants[1]}, spread(s.constants[2]),
                             spread(s.constants[3]), s.block);
  }
  Value summed_like(Value x, const std::function<Value(const BlockGradient&)>& part) const {
    const Walk walk(WalkBy::Keys, x_, meaning_);
    const Walk::Steps steps = by_keys(walk);
    const auto body = [&](Graph&, const Values& p) -> Values {
      const BlockGradient at = at_keys(walk, walk.step(x_, p, 4, 0, 2));
      const Value d = part(at);
      return {at.visible ? select(at.visible, d, zeros_like(d)) : d};
    };
    const Value all = walk.whole(scan({steps.constants, {}, steps.slices}, walk.count(), body).ys[0]);
    Ints axes;
    for (int64_t axis = 0; axis < 4; ++axis)
      if (x.type().dim(static_cast<int>(axis)) == Dim(1)) axes.push_back(axis);
    return cast(reshape(reduce_sum(all, axes), shape_of(x)), x.dtype());
  }

  const Operands& x_;
  Value log_sum_, d_out_, delta_;
  const Meaning& meaning_;
};

/// dQ, dK, dV. Those of attention that position alone masks are a composite, for which there is another form.
std::array<Value, 3> gradients_of_sides(const Operands& x, Value log_sum, Value d_out, Value delta,
                                        const Meaning& meaning) {
  const auto two_walks = [&](const Operands& own, Value l, Value d, Value sums) -> std::array<Value, 3> {
    const Backward back(own, l, d, sums, meaning);
    const auto [d_k, d_v] = back.d_keys_and_values();
    return {back.d_queries(), d_k, d_v};
  };
  if (x.mask || x.factor || x.segments || meaning.function) return two_walks(x, log_sum, d_out, delta);
  const auto body = [&](Value q, Value k, Value v, Value l, Value d, Value sums) {
    return two_walks({.q = q, .k = k, .v = v}, l, d, sums);
  };
  return as_composite(kAttentionGradient, attrs_of(meaning.form), body, x.q, x.k, x.v, log_sum, d_out, delta);
}

/// Which of the operands there are, in the order in which they stand in a list, and the way back.
class Layout {
 public:
  explicit Layout(const Operands& x) : like_(x) {}
  static Values list(const Operands& x) {
    Values all{x.q, x.k, x.v};
    for (const Value v : {x.mask, x.factor, x.sinks, x.segments})
      if (v) all.push_back(v);
    return all;
  }
  Operands of(const Values& p, std::span<const Value> captures) const {
    Operands x{.q = p[0], .k = p[1], .v = p[2]};
    size_t next = 3;
    const auto take = [&](Value like) { return like ? p[next++] : Value{}; };
    x.mask = take(like_.mask);
    x.factor = take(like_.factor);
    x.sinks = take(like_.sinks);
    x.segments = take(like_.segments);
    x.captures.assign(captures.begin(), captures.end());
    return x;
  }

 private:
  const Operands& like_;
};

Values with_gradient(const Operands& x, const Meaning& meaning, int orders) {
  const Layout layout(x);
  const Values inputs = Layout::list(x);
  const size_t count = inputs.size(), captures = x.captures.size();
  const auto region = [&](const char* name, const std::vector<Type>& types, const RegionFn& fill) {
    return make_region(name, types, [&](Graph& g, const Values& p) {
      for (const ir::SymbolFact& fact : x.q.graph().facts().all()) g.facts().add(fact);
      return fill(g, p);
    });
  };
  const auto behind = [&](const Values& p) { return std::span(p).last(captures); };
  std::vector<Type> types = types_of(inputs);
  const std::vector<Type> captured = types_of(x.captures);
  const auto with_captures = [&](std::vector<Type> list) {
    list.insert(list.end(), captured.begin(), captured.end());
    return list;
  };
  CustomVjpRegions regions;
  regions.body = region(meaning.function ? "attention_with_score" : "attention", with_captures(types),
                        [&](Graph&, const Values& p) { return forward(layout.of(p, behind(p)), meaning); });
  regions.forward = region("attention_forward", with_captures(types), [&](Graph&, const Values& p) {
    const Operands own = layout.of(p, behind(p));
    Values results = orders > 1 ? with_gradient(own, meaning, orders - 1) : forward(own, meaning);
    const Values made = results;
    results.insert(results.end(), p.begin(), p.begin() + static_cast<int64_t>(count));
    results.insert(results.end(), made.begin(), made.end());
    return results;
  });
  std::vector<Type> residuals = types;
  for (int both = 0; both < 2; ++both)
    for (const Value& r : regions.body->results()) residuals.push_back(r.type());
  regions.backward = region("attention_backward", with_captures(residuals), [&](Graph&, const Values& p) {
    const Operands own = layout.of(p, behind(p));
    const Value out = p[count], log_sum = p[count + 1], d_out = p[count + 2], d_log_sum = p[count + 3];
    const Value delta = reduce_sum(d_out * out, {3}) - d_log_sum;
    const Backward back(own, log_sum, d_out, delta, meaning);
    const auto sides = gradients_of_sides(own, log_sum, d_out, delta, meaning);
    Values cotangents(sides.begin(), sides.end());
    if (own.mask && ir::is_float(own.mask.dtype())) cotangents.push_back(back.d_mask());
    if (own.factor && ir::is_float(own.factor.dtype())) cotangents.push_back(back.d_factor());
    if (own.sinks) cotangents.push_back(back.d_sinks());
    return cotangents;
  });
  return custom_vjp(x.q.graph(), regions, inputs, x.captures);
}

}  // namespace

std::array<Attr, 5> attrs_of(const ScoreForm& form) {
  return {Attr("is_causal", form.is_causal), Attr("scale", form.scale), Attr("window", form.window),
          Attr("soft_cap", form.soft_cap), Attr("key_block", form.key_block)};
}

ScoreForm score_form_of(const ir::Attrs& attrs) {
  return {.scale = attrs.real("scale"),
          .is_causal = attrs.flag("is_causal"),
          .window = attrs.integer("window"),
          .soft_cap = attrs.real("soft_cap"),
          .key_block = attrs.integer("key_block")};
}

Value attention_by_blocks(const AttentionOperands& operands, const ScoreForm& form, const ScoreFunction* score) {
  return with_gradient(operands, {form, score}, kOrdersByRule)[0];
}

}  // namespace strata::ops
