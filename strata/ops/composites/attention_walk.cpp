#include "strata/ops/composites/attention_walk.h"

#include <fmt/format.h>

#include <set>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/contraction/masked_dot.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using Values = std::vector<Value>;

/// What is shorter than a block is one of its own length: places behind the end change nothing.
Dim block_of(Dim extent, int64_t key_block) {
  const bool is_short = extent.is_constant() && extent.constant() > 0 && extent.constant() < key_block;
  return is_short ? extent : Dim(key_block);
}

Value both(Value a, Value b) { return a && b ? a & b : a ? a : b; }

Value number_of(Graph& g, Dim d) {
  return d.is_constant() ? scalar(g, DType::i32, d.constant()) : cast(dimension(g, d), DType::i32);
}

bool is_nothing(Value v) {
  while (!v.node->is_parameter() && v.node->op == &kBroadcast) v = v.node->operand(0);
  if (v.node->is_parameter() || v.node->op != &kConstant || !ir::is_float(v.dtype())) return false;
  const HostArray& array = v.node->attrs.array("value");
  for (int64_t i = 0; i < array.elements(); ++i)
    if (array.get(i) != kNothing) return false;
  return array.elements() > 0;
}

bool depends_on(Value v, const ir::Node* parameter) {
  std::vector<const ir::Node*> open{v.node};
  std::set<const ir::Node*> seen;
  while (!open.empty()) {
    const ir::Node* at = open.back();
    open.pop_back();
    if (at == parameter) return true;
    if (!seen.insert(at).second) continue;
    for (const Value& x : at->operands()) open.push_back(x.node);
  }
  return false;
}

/// Reads the parameters of a step one by one.
struct Reader {
  const Values& all;
  size_t next = 0;
  Value one_if(Value is_there) { return is_there ? all[next++] : Value{}; }
  Values some(size_t count) {
    next += count;
    const auto end = all.begin() + static_cast<int64_t>(next);
    return {end - static_cast<int64_t>(count), end};
  }
};

}  // namespace

Type score_type(Type q, Type k, int64_t key_block, WalkBy by) {
  if (q.rank() != 4 || k.rank() != 4)
    throw base::Error(base::code::kOperandShapes,
                      fmt::format("attention: q and k are [B, H, T, D], found {} and {}", q.str(), k.str()));
  base::OptionCheck(base::code::kAttributeValue, "attention").integer("key_block", key_block, kKeyBlock);
  const Dim queries = q.dim(2), keys = k.dim(2);
  const Dim along = by == WalkBy::Keys ? keys : queries, lanes = by == WalkBy::Keys ? queries : keys;
  return Type::of(accumulation_dtype(q.dtype()), {q.dim(0), q.dim(1), block_of(along, key_block), lanes});
}

Value by_lanes(Value x) { return swap_axes(x, 2, 3); }

AttentionWalk::AttentionWalk(WalkBy by, const AttentionOperands& like, const AttentionMeaning& meaning)
    : by_(by),
      form_(meaning.form),
      function_(meaning.function),
      queries_(like.q.type().dim(2)),
      keys_(like.k.type().dim(2)) {
  block_ = block_of(extent(), form_.key_block);
  count_ = ir::ceil_div(extent(), block_);
  has_end_ = count_ * block_ != extent();
  const Dim lanes = by_ == WalkBy::Keys ? queries_ : keys_;
  lanes_per_block_ = block_of(lanes, form_.key_block);
  has_lane_end_ = ir::ceil_div(lanes, lanes_per_block_) * lanes_per_block_ != lanes;
}

Value AttentionWalk::side_by_side(Value x) const {
  const Shape s = shape_of(x);
  if (count_ * block_ != s[2]) {
    std::vector<Padding> padding(s.size());
    padding[2].hi = count_ * block_ - s[2];
    x = pad_zero(x, padding);
  }
  Shape apart{s[0], s[1], count_, block_};
  apart.insert(apart.end(), s.begin() + 3, s.end());
  return reshape(x, apart);
}

Value AttentionWalk::whole_of(Value side_by_side) const {
  const Shape s = shape_of(side_by_side);
  Shape joined{s[0], s[1], s[2] * s[3]};
  joined.insert(joined.end(), s.begin() + 4, s.end());
  return slice_axis(reshape(side_by_side, joined), 2, {.limit = extent()});
}

Value AttentionWalk::blocks(Value x) const {
  Ints order{2, 0, 1, 3};
  for (int64_t axis = 3; axis < x.rank(); ++axis) order.push_back(axis + 1);
  return transpose(side_by_side(x), order);
}

/// Of mask or factor, [.., .., T or 1, S or 1], as the scores stand.
Value AttentionWalk::blocks_of_scores(Value x) const {
  if (by_ == WalkBy::Keys) x = swap_axes(x, 2, 3);
  if (x.type().dim(2) != Dim(1) || extent() == Dim(1)) return blocks(x);
  Shape same = shape_of(x);
  same.insert(same.begin(), count_);
  return broadcast(x, dims_span(same), ints_span({1, 2, 3, 4}));
}

Value AttentionWalk::rows(Value blocks) const {
  Ints order{1, 2, 0};
  for (int64_t axis = 3; axis < blocks.rank(); ++axis) order.push_back(axis);
  return whole_of(transpose(blocks, order));
}

Value AttentionWalk::whole(Value blocks) const {
  const Value x = rows(blocks);
  return by_ == WalkBy::Keys ? swap_axes(x, 2, 3) : x;
}

Value AttentionWalk::length(Value like) const { return number_of(like.graph(), block_); }

/// Query 0 is at this key's position: ends are aligned.
Value AttentionWalk::offset(Value like) const {
  return broadcast_to(number_of(like.graph(), keys_ - queries_), like.shape());
}

AttentionWalk::Places AttentionWalk::places(Value scores, const ScoreBlock& block) const {
  Graph& g = scores.graph();
  const Value place =
      iota_like(scores, DType::i32, 2) + broadcast_to(block.number * number_of(g, block_), scores.shape());
  Value lane = iota_like(scores, DType::i32, 3);
  if (block.lane_number) lane = lane + broadcast_to(block.lane_number * number_of(g, lanes_per_block_), scores.shape());
  return by_ == WalkBy::Keys ? Places{lane + offset(lane), place} : Places{place + offset(place), lane};
}

Value AttentionWalk::may_see(Ends queries, Ends keys, Value besides) const {
  Value seen = besides;
  if (form_.is_causal) seen = both(seen, le<Value>(keys.first, queries.last));
  if (form_.window > 0) seen = both(seen, gt<Value>(keys.last, queries.first - form_.window));
  if (form_.window > 0 && !form_.is_causal) seen = both(seen, lt<Value>(keys.first, queries.last + form_.window));
  return seen;
}

Value AttentionWalk::by_position(Value scores, const ScoreBlock& block) const {
  Value visible;
  const bool has_lane_end = block.lane_number && has_lane_end_;
  if (!has_end_ && !has_lane_end && !form_.is_causal && form_.window == 0) return visible;
  const auto [query, key] = places(scores, block);
  // Both ends are at the position of the last key.
  const auto ends = [&](Value place) {
    visible = both(visible, lt<Value>(place, broadcast_to(number_of(scores.graph(), keys_), scores.shape())));
  };
  if (has_end_) ends(by_ == WalkBy::Keys ? key : query);
  if (has_lane_end) ends(by_ == WalkBy::Keys ? query : key);
  return may_see({query, query}, {key, key}, visible);
}

Values AttentionWalk::arguments(Value score, const ScoreBlock& block) const {
  const auto [query, key] = places(score, block);
  Values given{score, iota_like(score, DType::i32, 0), iota_like(score, DType::i32, 1), query, key};
  given.insert(given.end(), block.captures.begin(), block.captures.end());
  return given;
}

/// What the score function shows by place: it is select(c, score, -inf), or the other way round, perhaps again and
/// again, with conditions that know nothing of the score.
Value AttentionWalk::by_function(Value like, const ScoreBlock& block) const {
  if (!function_) return {};
  const Graph& f = *function_->value[static_cast<size_t>(by_)];
  std::vector<Value> conditions;
  std::vector<bool> shows;
  Value at = f.results()[0];
  while (!at.node->is_parameter() && at.node->op == &kSelect) {
    const bool is_shown = is_nothing(at.node->operand(2));
    if (!is_shown && !is_nothing(at.node->operand(1))) break;
    if (!depends_on(at.node->operand(0), f.parameter(0).node)) {
      conditions.push_back(at.node->operand(0));
      shows.push_back(is_shown);
    }
    at = at.node->operand(is_shown ? 1 : 2);
  }
  if (conditions.empty()) return {};
  Values given = arguments(like, block);
  given[0] = {};
  Value visible;
  const Values made = inline_needed(f, like.graph(), given, conditions);
  for (size_t i = 0; i < made.size(); ++i) visible = both(visible, shows[i] ? made[i] : ~made[i]);
  return visible;
}

Value AttentionWalk::visible(Value like, const ScoreBlock& block) const {
  const auto spread = [&](Value x, std::initializer_list<int64_t> axes) {
    return broadcast(x, like.shape(), ints_span(axes));
  };
  Value visible = both(by_position(like, block), by_function(like, block));
  if (block.segments)
    visible = both(visible, eq<Value>(spread(block.segments, {0, 2}), spread(block.lane_segments, {0, 3})));
  if (!block.mask) return visible;
  const Value mask = broadcast_to(block.mask, like.shape());
  return both(visible, ir::is_float(mask.dtype()) ? ne<Value>(mask, kNothing) : mask);
}

AttentionWalk::Scores AttentionWalk::scores(Value side, Value lanes, const ScoreBlock& block) const {
  Scores s;
  const Shape shape{side.type().dim(0), side.type().dim(1), side.type().dim(2), lanes.type().dim(3)};
  s.visible = visible(iota(side.graph(), Type::of(DType::i32, shape), 3), block);
  s.scaled = product(side, lanes, s.visible) * form_.scale;
  s.capped = form_.soft_cap > 0 ? tanh(s.scaled * (1 / form_.soft_cap)) * form_.soft_cap : s.scaled;
  s.masked = s.capped;
  if (function_)
    s.masked =
        ir::inline_graph(*function_->value[static_cast<size_t>(by_)], s.capped.graph(), arguments(s.capped, block))[0];
  if (block.mask && ir::is_float(block.mask.dtype())) {
    const Value added = broadcast_to(block.mask, shape);
    s.masked = s.masked + select(s.visible, added, zeros_like(added));
  }
  if (s.visible) s.masked = select(s.visible, s.masked, kNothing);
  return s;
}

Value AttentionWalk::product(Value side, Value lanes, Value visible) {
  const DotAxes axes{{3}, {2}, {0, 1}, {0, 1}};
  return visible ? dot_read_where(side, lanes, visible, axes) : dot(side, lanes, axes);
}

Value AttentionWalk::sum_over_block(Value side, Value lanes, Value visible) {
  const DotAxes axes{{2}, {2}, {0, 1}, {0, 1}};
  return visible ? dot_where(side, lanes, visible, axes) : dot(side, lanes, axes);
}

Value AttentionWalk::sum_over_lanes(Value side, Value block, Value visible) {
  const DotAxes axes{{2}, {3}, {0, 1}, {0, 1}};  // [B, H, E, block]
  return swap_axes(visible ? dot_where(side, block, visible, axes) : dot(side, block, axes), 2, 3);
}

Value AttentionWalk::through_scores(Value d, const Scores& s, const ScoreBlock& block) const {
  if (function_) {
    Values given = arguments(s.capped, block);
    given.insert(given.end() - static_cast<int64_t>(block.captures.size()), d);
    d = ir::inline_graph(*function_->gradient[static_cast<size_t>(by_)], d.graph(), given)[0];
  }
  d = d * form_.scale;
  if (form_.soft_cap == 0) return d;
  const Value t = s.capped * (1 / form_.soft_cap);
  return d * (1.0 - t * t);
}

Value AttentionWalk::where_seen(Value after, Value before, Value number) const {
  if (!form_.is_causal && form_.window == 0) return after;
  const Shape s = shape_of(after);
  const Type lanes = Type::of(DType::i32, {s[0], s[1], s.back()});
  const Value lane = iota(after.graph(), lanes, 2);
  const Value first = broadcast_to(number * length(number), lanes.shape()),
              last = first + broadcast_to(length(number) - 1, lanes.shape());
  // Ends of the block, and the lane itself.
  const bool by_keys = by_ == WalkBy::Keys;
  const Value first_query = by_keys ? lane + offset(lane) : first + offset(lane),
              last_query = by_keys ? first_query : last + offset(lane);
  const Value first_key = by_keys ? first : lane, last_key = by_keys ? last : lane;
  Value alive = may_see({first_query, last_query}, {first_key, last_key});
  if (after.rank() == 4) alive = broadcast(alive, after.shape(), ints_span({0, 1, 3}));
  return select(alive, after, before);
}

Value AttentionWalk::where_block_seen(Value after, Value before, const ScoreBlock& block) const {
  if (!form_.is_causal && form_.window == 0) return after;
  Graph& g = after.graph();
  const Value length = number_of(g, block_), lanes = number_of(g, lanes_per_block_),
              offset = number_of(g, keys_ - queries_);
  const bool by_keys = by_ == WalkBy::Keys;
  const Value first_place = block.number * length, first_lane = block.lane_number * lanes;
  const Value first_query = (by_keys ? first_lane : first_place) + offset,
              last_query = first_query + ((by_keys ? lanes : length) - 1);
  const Value first_key = by_keys ? first_place : first_lane, last_key = first_key + ((by_keys ? length : lanes) - 1);
  const Value alive = may_see({first_query, last_query}, {first_key, last_key});
  return select(broadcast_to(alive, after.shape()), after, before);
}

AttentionWalk::Steps AttentionWalk::steps(const AttentionOperands& x, Values constants, Values slices) const {
  slices.push_back(iota(x.q.graph(), Type::of(DType::i32, {count_}), 0));
  for (const Value v : {x.mask, x.factor})
    if (v) slices.push_back(blocks_of_scores(v));
  if (x.segments) {
    constants.push_back(x.segments);
    slices.push_back(squeeze(blocks(expand_dims(x.segments, 0)), 1));
  }
  constants.insert(constants.end(), x.captures.begin(), x.captures.end());
  return {constants, slices};
}

AttentionWalk::Step AttentionWalk::step(const AttentionOperands& x, const Values& parameters, size_t constants,
                                        size_t carries, size_t slices) const {
  Reader read{parameters};
  Step s;
  s.constants = read.some(constants);
  s.block.lane_segments = read.one_if(x.segments);
  s.block.captures = read.some(x.captures.size());
  s.carries = read.some(carries);
  s.slices = read.some(slices);
  s.block.number = read.some(1)[0];
  s.block.mask = read.one_if(x.mask);
  s.block.factor = read.one_if(x.factor);
  s.block.segments = read.one_if(x.segments);
  return s;
}

BlockGradient gradient_of_block(const AttentionWalk& walk, BlockSides score, BlockSides out, Value log_sum, Value delta,
                                const ScoreBlock& block) {
  const AttentionWalk::Scores s = walk.scores(score.block, score.lanes, block);
  BlockGradient made;
  made.visible = s.visible;
  const Value weights = exp(s.masked - log_sum);
  Value d_weights = AttentionWalk::product(out.block, out.lanes, s.visible);
  made.weights = weights;
  if (block.factor) {
    const auto seen = [&](Value x) { return s.visible ? select(s.visible, x, zeros_like(x)) : x; };
    const Value spread = seen(broadcast_to(block.factor, weights.shape()));
    d_weights = seen(d_weights);
    made.d_factor = weights * d_weights;
    made.weights = weights * spread;
    d_weights = d_weights * spread;
  }
  // In front of what spreads a row's numbers along its scores: their cotangents sum up those of all scores.
  Value d_log_weights = d_weights - delta;
  if (s.visible) d_log_weights = select(s.visible, d_log_weights, zeros_like(d_log_weights));
  made.d_masked = weights * d_log_weights;
  // Nor do those of d_masked come from what a function made of hidden scores.
  if (s.visible && walk.bends_scores()) made.d_masked = select(s.visible, made.d_masked, zeros_like(made.d_masked));
  made.d_score = walk.through_scores(made.d_masked, s, block);
  return made;
}

}  // namespace strata::ops
