#include "strata/ops/composites/attention_blocks.h"

#include <limits>

#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using Values = std::vector<Value>;

constexpr double kNothing = -std::numeric_limits<double>::infinity();
/// Reverse mode of reverse mode and one more go by the rule of this file; those beyond keep the state of each block.
constexpr int kOrdersByRule = 2;

struct Operands {
  Value q, k, v, mask, factor;
  Values all() const {
    Values list{q, k, v};
    for (const Value x : {mask, factor})
      if (x) list.push_back(x);
    return list;
  }
};

/// Of the rows of x [B, H, rows, ...]: the sum of blocks that covers them, axis 2 apart and in front:
/// [count, B, H, block, ...]. Behind the end are zeros.
Value cut(Value x, Dim count, Dim block) {
  const Shape s = shape_of(x);
  if (count * block != s[2]) {
    std::vector<Padding> padding(s.size());
    padding[2].hi = count * block - s[2];
    x = pad_zero(x, padding);
  }
  Shape apart{s[0], s[1], count, block};
  Ints order{2, 0, 1, 3};
  for (size_t axis = 3; axis < s.size(); ++axis) {
    apart.push_back(s[axis]);
    order.push_back(static_cast<int64_t>(axis) + 1);
  }
  return transpose(reshape(x, apart), order);
}

Value finite_or_zero(Value x) { return select(is_finite(x), x, zeros_like(x)); }
Value zeros(Graph& graph, DType dtype, const Shape& shape) { return full(graph, Type::of(dtype, shape), 0.0); }
Value by_lanes(Value x) { return swap_axes(x, 2, 3); }

/// A function of operands that reverse mode computes again.
Values recomputed(Graph& graph, const Values& operands, const RegionFn& body) {
  return checkpoint(graph, make_region("attention_block", types_of(operands), body), operands);
}

/// What the operands of a step have to do with each other, in one of two ways: a step takes a block of keys and the
/// lanes are queries, or the other way round.
class Walk {
 public:
  enum class By : uint8_t { Keys, Queries };

  Walk(By by, const Operands& like, const ScoreForm& form)
      : by_(by), form_(form), queries_(like.q.type().dim(2)), keys_(like.k.type().dim(2)) {
    const Dim extent = by == By::Keys ? keys_ : queries_;
    // What is shorter than a block is one of its own length: places behind the end change nothing.
    const bool is_short = extent.is_constant() && extent.constant() > 0 && extent.constant() < form.key_block;
    block_ = is_short ? extent : Dim(form.key_block);
    count_ = ir::ceil_div(extent, block_);
    has_end_ = by == By::Keys && count_ * block_ != extent;
  }

  Dim count() const { return count_; }
  Value blocks(Value x) const { return cut(x, count_, block_); }
  Value numbers(Graph& g) const { return iota(g, Type::of(DType::i32, {count_}), 0); }
  /// Of mask or factor, [.., .., T or 1, S or 1], as the scores stand.
  Value blocks_of_scores(Value x) const {
    if (by_ == By::Keys) x = by_lanes(x);
    if (x.type().dim(2) != Dim(1) || (by_ == By::Keys ? keys_ : queries_) == Dim(1)) return blocks(x);
    Shape same = shape_of(x);
    same.insert(same.begin(), count_);
    return broadcast(x, dims_span(same), ints_span({1, 2, 3, 4}));
  }
  /// Back to [B, H, T, S], from the stacked blocks.
  Value whole(Value blocks) const {
    const Shape s = shape_of(blocks);
    Value x = reshape(transpose(blocks, {1, 2, 0, 3, 4}), {s[1], s[2], s[0] * s[3], s[4]});
    x = slice_axis(x, 2, {.limit = by_ == By::Keys ? keys_ : queries_});
    return by_ == By::Keys ? by_lanes(x) : x;
  }

  struct Scores {
    Value capped;   ///< in front of the mask
    Value visible;  ///< bool; null: everything is
    Value masked;   ///< -inf where nothing is seen
  };
  /// `block` [B, H, block, D] of one side and `lanes` [B, H, D, lanes] of the other; block `number` of the walk.
  Scores scores(Value block, Value lanes, Value number, Value mask) const {
    Scores s;
    s.capped = dot(block, lanes, {{3}, {2}, {0, 1}, {0, 1}}) * form_.scale;
    if (form_.soft_cap > 0) s.capped = tanh(s.capped * (1 / form_.soft_cap)) * form_.soft_cap;
    s.visible = by_position(s.capped, number);
    s.masked = s.capped;
    if (mask && ir::is_float(mask.dtype())) {
      const Value added = broadcast_to(mask, s.capped.shape());
      s.visible = both(s.visible, ne<Value>(added, kNothing));
      s.masked = s.capped + select(s.visible, added, zeros_like(added));
    } else if (mask) {
      s.visible = both(s.visible, broadcast_to(mask, s.capped.shape()));
    }
    if (s.visible) s.masked = select(s.visible, s.masked, kNothing);
    return s;
  }
  /// The cotangent of the product of q and k, from that of what the softmax is made of.
  Value through_scores(Value d, const Scores& s) const {
    d = d * form_.scale;
    if (form_.soft_cap == 0) return d;
    const Value t = s.capped * (1 / form_.soft_cap);
    return d * (1.0 - t * t);
  }

  /// `after`, but `before` in lanes that see nothing of the block, where they are equal: a back end that knows need not
  /// compute them.
  Value where_seen(Value after, Value before, Value number) const {
    if (!form_.is_causal && form_.window == 0) return after;
    const Shape s = shape_of(after);
    const Type lanes = Type::of(DType::i32, {s[0], s[1], s.back()});
    const Value lane = iota(after.graph(), lanes, 2);
    const Value first = broadcast_to(number * length(number), lanes.shape()),
                last = first + broadcast_to(length(number) - 1, lanes.shape());
    Value alive;
    if (by_ == By::Keys) {
      const Value query = lane + offset(lane);
      if (form_.is_causal) alive = le<Value>(first, query);
      if (form_.window > 0) alive = both(alive, gt<Value>(last, query - form_.window));
      if (form_.window > 0 && !form_.is_causal) alive = both(alive, lt<Value>(first, query + form_.window));
    } else {
      const Value first_query = first + offset(lane), last_query = last + offset(lane);
      if (form_.is_causal) alive = le<Value>(lane, last_query);
      if (form_.window > 0) alive = both(alive, gt<Value>(lane, first_query - form_.window));
      if (form_.window > 0 && !form_.is_causal) alive = both(alive, lt<Value>(lane, last_query + form_.window));
    }
    if (after.rank() == 4) alive = broadcast(alive, after.shape(), ints_span({0, 1, 3}));
    return select(alive, after, before);
  }

 private:
  static Value both(Value a, Value b) { return a && b ? a & b : a ? a : b; }
  static Value number_of(Graph& g, Dim d) {
    return d.is_constant() ? scalar(g, DType::i32, d.constant()) : cast(dimension(g, d), DType::i32);
  }
  Value length(Value like) const { return number_of(like.graph(), block_); }
  /// Query 0 is at this key's position: ends are aligned.
  Value offset(Value like) const { return broadcast_to(number_of(like.graph(), keys_ - queries_), like.shape()); }

  /// What is seen by position alone, like the scores [B, H, block, lanes]; null: everything.
  Value by_position(Value scores, Value number) const {
    Value visible;
    if (!has_end_ && !form_.is_causal && form_.window == 0) return visible;
    const Value lane = iota_like(scores, DType::i32, 3),
                place = iota_like(scores, DType::i32, 2) + broadcast_to(number * length(number), scores.shape());
    if (has_end_) visible = lt<Value>(place, broadcast_to(number_of(scores.graph(), keys_), scores.shape()));
    if (!form_.is_causal && form_.window == 0) return visible;
    const Value key = by_ == By::Keys ? place : lane, query = (by_ == By::Keys ? lane : place) + offset(lane);
    if (form_.is_causal) visible = both(visible, le<Value>(key, query));
    if (form_.window > 0) visible = both(visible, gt<Value>(key, query - form_.window));
    if (form_.window > 0 && !form_.is_causal) visible = both(visible, lt<Value>(key, query + form_.window));
    return visible;
  }

  By by_;
  ScoreForm form_;
  Dim queries_, keys_, block_, count_;
  bool has_end_;  ///< whether places behind the last key are in its block
};

/// The values of `operands` for each step of a walk: constants, then slices, with those that may be missing behind.
struct StepOperands {
  Values constants, slices;
  Value mask(const Values& p, size_t first) const { return has_mask ? p[first] : Value{}; }
  Value factor(const Values& p, size_t first) const { return has_factor ? p[first + (has_mask ? 1 : 0)] : Value{}; }
  bool has_mask = false, has_factor = false;

  StepOperands(const Walk& walk, const Operands& o, Values constants, Values slices)
      : constants(std::move(constants)), slices(std::move(slices)), has_mask(static_cast<bool>(o.mask)),
        has_factor(static_cast<bool>(o.factor)) {
    this->slices.push_back(walk.numbers(o.q.graph()));
    for (const Value x : {o.mask, o.factor})
      if (x) this->slices.push_back(walk.blocks_of_scores(x));
  }
};

/// (m, l, o) of a block, folded into the state.
Values fold_block(const Walk& walk, const StepOperands& step, const Values& p) {
  const Value q = p[0], m = p[1], l = p[2], o = p[3], k = p[4], v = p[5], number = p[6];
  const Value s = walk.scores(k, q, number, step.mask(p, 7)).masked;
  const auto along_block = [&](Value per_lane) { return broadcast(per_lane, s.shape(), ints_span({0, 1, 3})); };
  const auto along_values = [&](Value per_lane) { return broadcast(per_lane, o.shape(), ints_span({0, 1, 3})); };
  const Value block_m = stop_gradient(reduce_max(s, {2}));
  Value weights = exp(s - along_block(finite_or_zero(block_m)));
  const Value block_l = reduce_sum(weights, {2});
  if (const Value factor = step.factor(p, 7)) weights = weights * broadcast_to(factor, s.shape());
  const Value block_o = dot(v, weights, {{2}, {2}, {0, 1}, {0, 1}});
  const Value most = maximum(m, block_m), shift = finite_or_zero(most);
  const Value a = exp(m - shift), b = exp(block_m - shift);
  return {walk.where_seen(most, m, number), walk.where_seen(l * a + block_l * b, l, number),
          walk.where_seen(o * along_values(a) + block_o * along_values(b), o, number)};
}

/// The result [B, H, T, E], and the logarithm of the sum of exponentials [B, H, T]: 0 where nothing is seen.
Values forward(const Operands& x, const ScoreForm& form) {
  Graph& g = x.q.graph();
  const Walk walk(Walk::By::Keys, x, form);
  const Shape q = shape_of(x.q);
  const Dim depth = x.v.type().dim(3);
  const StepOperands step(walk, x, {by_lanes(x.q)}, {walk.blocks(x.k), walk.blocks(x.v)});
  const DType t = x.q.dtype();
  const Value nothing = full(g, Type::of(t, {q[0], q[1], q[2]}), kNothing);
  const auto state = scan({step.constants, {nothing, zeros_like(nothing), zeros(g, t, {q[0], q[1], depth, q[2]})},
                           step.slices},
                          walk.count(), [&](Graph&, const Values& p) { return fold_block(walk, step, p); })
                         .carries;
  const Value is_empty = eq(state[1], 0), sum = select(is_empty, ones_like(state[1]), state[1]);
  const Value out = state[2] / broadcast(sum, state[2].shape(), ints_span({0, 1, 3}));
  return {by_lanes(out), select(is_empty, zeros_like(sum), log(sum) + finite_or_zero(state[0]))};
}

/// The derivative of one block.
struct BlockGradient {
  Value weights;   ///< behind the factor
  Value d_masked;  ///< of what the softmax is made of
  Value d_score;   ///< of the product of q and k
  Value d_factor;  ///< null without one
};
/// `log_sum` and `delta` like the scores. One operand of each product stands by blocks, the other by lanes.
BlockGradient gradient_of_block(const Walk& walk, Value score_block, Value score_lanes, Value out_block, Value out_lanes,
                                Value log_sum, Value delta, Value number, Value mask, Value factor) {
  const Walk::Scores s = walk.scores(score_block, score_lanes, number, mask);
  BlockGradient made;
  const Value weights = exp(s.masked - log_sum);
  Value d_weights = dot(out_block, out_lanes, {{3}, {2}, {0, 1}, {0, 1}});
  made.weights = weights;
  if (factor) {
    const Value spread = broadcast_to(factor, weights.shape());
    made.d_factor = weights * d_weights;
    made.weights = weights * spread;
    d_weights = d_weights * spread;
  }
  made.d_masked = weights * (d_weights - delta);
  if (s.visible) made.d_masked = select(s.visible, made.d_masked, zeros_like(made.d_masked));
  made.d_score = walk.through_scores(made.d_masked, s);
  return made;
}

class Backward {
 public:
  Backward(const Operands& x, Value log_sum, Value d_out, Value delta, const ScoreForm& form)
      : x_(x), log_sum_(log_sum), d_out_(d_out), delta_(delta), form_(form), graph_(x.q.graph()) {}

  Value d_queries() const {
    const Walk walk(Walk::By::Keys, x_, form_);
    const StepOperands step = by_keys(walk);
    const auto body = [&](Graph& g, const Values& p) -> Values {
      const Value before = p[4];
      Values operands(p);
      operands.erase(operands.begin() + 4);
      const Value more = recomputed(g, operands, [&](Graph&, const Values& r) -> Values {
        return {dot(r[4], at_keys(walk, step, r).d_score, {{2}, {2}, {0, 1}, {0, 1}})};
      })[0];
      return {walk.where_seen(before + more, before, p[7])};
    };
    const Value start = zeros_like(step.constants[0]);
    return by_lanes(scan({step.constants, {start}, step.slices}, walk.count(), body).carries[0]);
  }

  std::array<Value, 2> d_keys_and_values() const {
    const Walk walk(Walk::By::Queries, x_, form_);
    const auto rows = [&](Value per_query) { return walk.blocks(per_query); };
    const StepOperands step(walk, x_, {by_lanes(x_.k), by_lanes(x_.v)},
                            {walk.blocks(x_.q), walk.blocks(d_out_), rows(log_sum_), rows(delta_)});
    const auto body = [&](Graph& g, const Values& p) -> Values {
      const Value d_k = p[2], d_v = p[3];
      Values operands(p);
      operands.erase(operands.begin() + 2, operands.begin() + 4);
      const Values more = recomputed(g, operands, [&](Graph&, const Values& r) -> Values {
        const Value q = r[2], d_out = r[3];
        const Shape s{q.type().dim(0), q.type().dim(1), q.type().dim(2), r[0].type().dim(3)};
        const auto spread = [&](Value row) { return broadcast(row, dims_span(s), ints_span({0, 1, 2})); };
        const BlockGradient at = gradient_of_block(walk, q, r[0], d_out, r[1], spread(r[4]), spread(r[5]), r[6],
                                                   step.mask(r, 7), step.factor(r, 7));
        return {dot(q, at.d_score, {{2}, {2}, {0, 1}, {0, 1}}), dot(d_out, at.weights, {{2}, {2}, {0, 1}, {0, 1}})};
      });
      return {walk.where_seen(d_k + more[0], d_k, p[8]), walk.where_seen(d_v + more[1], d_v, p[8])};
    };
    const auto sums = scan({step.constants, {zeros_like(step.constants[0]), zeros_like(step.constants[1])}, step.slices},
                           walk.count(), body)
                          .carries;
    return {by_lanes(sums[0]), by_lanes(sums[1])};
  }

  /// These have an element for each query and key, and a walk of their own: nobody pays for them who does not ask.
  Value d_mask() const {
    return summed_like(x_.mask, [](const BlockGradient& g) { return g.d_masked; });
  }
  Value d_factor() const {
    return summed_like(x_.factor, [](const BlockGradient& g) { return g.d_factor; });
  }

 private:
  /// Constants q, dO, log_sum, delta; slices k, v, the number.
  StepOperands by_keys(const Walk& walk) const {
    return {walk, x_, {by_lanes(x_.q), by_lanes(d_out_), log_sum_, delta_}, {walk.blocks(x_.k), walk.blocks(x_.v)}};
  }
  static BlockGradient at_keys(const Walk& walk, const StepOperands& step, const Values& r) {
    const Value q = r[0], k = r[4];
    const Shape s{q.type().dim(0), q.type().dim(1), k.type().dim(2), q.type().dim(3)};
    const auto spread = [&](Value per_lane) { return broadcast(per_lane, dims_span(s), ints_span({0, 1, 3})); };
    return gradient_of_block(walk, k, q, r[5], r[1], spread(r[2]), spread(r[3]), r[6], step.mask(r, 7),
                             step.factor(r, 7));
  }
  Value summed_like(Value x, const std::function<Value(const BlockGradient&)>& part) const {
    const Walk walk(Walk::By::Keys, x_, form_);
    const StepOperands step = by_keys(walk);
    const Value all = walk.whole(
        scan({step.constants, {}, step.slices}, walk.count(), [&](Graph&, const Values& p) -> Values {
          return {part(at_keys(walk, step, p))};
        }).ys[0]);
    Ints axes;
    for (int64_t axis = 0; axis < 4; ++axis)
      if (x.type().dim(axis) == Dim(1)) axes.push_back(axis);
    return cast(reshape(reduce_sum(all, axes), shape_of(x)), x.dtype());
  }

  const Operands& x_;
  Value log_sum_, d_out_, delta_;
  const ScoreForm& form_;
  Graph& graph_;
};

Operands operands_of(const Values& p, bool has_mask, bool has_factor) {
  return {p[0], p[1], p[2], has_mask ? p[3] : Value{}, has_factor ? p[has_mask ? 4 : 3] : Value{}};
}

Values with_gradient(const Operands& x, const ScoreForm& form, int orders) {
  const Values inputs = x.all();
  const size_t count = inputs.size();
  const bool has_mask = static_cast<bool>(x.mask), has_factor = static_cast<bool>(x.factor);
  const auto region = [&](const char* name, const std::vector<Type>& types, const RegionFn& fill) {
    return make_region(name, types, [&](Graph& g, const Values& p) {
      for (const ir::SymbolFact& fact : x.q.graph().facts().all()) g.facts().add(fact);
      return fill(g, p);
    });
  };
  const std::vector<Type> types = types_of(inputs);
  CustomVjpRegions regions;
  regions.body = region("attention", types, [&](Graph&, const Values& p) {
    return forward(operands_of(p, has_mask, has_factor), form);
  });
  std::vector<Type> backward_types = types;
  for (int both = 0; both < 2; ++both)
    for (const Value& r : regions.body->results()) backward_types.push_back(r.type());
  regions.forward = region("attention_forward", types, [&](Graph&, const Values& p) {
    const Operands own = operands_of(p, has_mask, has_factor);
    Values results = orders > 1 ? with_gradient(own, form, orders - 1) : forward(own, form);
    const Values made = results;
    results.insert(results.end(), p.begin(), p.end());
    results.insert(results.end(), made.begin(), made.end());
    return results;
  });
  regions.backward = region("attention_backward", backward_types, [&](Graph&, const Values& p) {
    const Operands own = operands_of(p, has_mask, has_factor);
    const Value out = p[count], log_sum = p[count + 1], d_out = p[count + 2], d_log_sum = p[count + 3];
    const Backward back(own, log_sum, d_out, reduce_sum(d_out * out, {3}) - d_log_sum, form);
    const auto [d_k, d_v] = back.d_keys_and_values();
    Values cotangents{back.d_queries(), d_k, d_v};
    if (has_mask && ir::is_float(own.mask.dtype())) cotangents.push_back(back.d_mask());
    if (has_factor && ir::is_float(own.factor.dtype())) cotangents.push_back(back.d_factor());
    return cotangents;
  });
  return custom_vjp(x.q.graph(), regions, inputs, {});
}

}  // namespace

Value attention_by_blocks(Value q, Value k, Value v, Value mask, Value factor, const ScoreForm& form) {
  return with_gradient({q, k, v, mask, factor}, form, kOrdersByRule)[0];
}

}  // namespace strata::ops
