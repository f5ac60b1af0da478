#include "strata/ops/composites/attention_one_walk.h"

#include <span>

#include "strata/ops/composites/attention_walk.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using Values = std::vector<Value>;

/// Tasks of uneven length are shared out well enough from here on.
constexpr int64_t kFewestHeads = 8;
/// A task keeps 4 blocks of channels by keys, and 3 of scores.
constexpr int64_t kMostChannels = 128, kMostBlock = 128;
/// Blocks and channels are vectors of a register tile.
constexpr int64_t kUnit = 16;

/// [B, H, count, block, D] at a number of a block, and with another block there.
Values start_of(Value at) {
  const Value zero = scalar_like(at, 0);
  return {zero, zero, at, zero, zero};
}
Value block_at(Value x, Value at) {
  Shape one = shape_of(x);
  one[2] = Dim(1);
  const Value block = dynamic_slice(x, start_of(at), one);
  return reshape(block, {one[0], one[1], one[3], one[4]});
}
Value with_block_at(Value x, Value block, Value at) {
  Shape one = shape_of(x);
  one[2] = Dim(1);
  return dynamic_update_slice(x, reshape(block, one), start_of(at));
}

/// Slices of a block of queries, behind the sides of its keys.
struct BlockOfQueries {
  Value q, d_out, log_sum, delta, d_q;
};

/// dK and dV [B, H, D, keys] of a block of keys, and all blocks of dQ.
Values walk_queries(const AttentionWalk& walk, Value k, Value v, Value key_number, const Values& blocks) {
  Graph& g = k.graph();
  const Values constants{by_lanes(k), by_lanes(v), k, key_number};
  const Values start{zeros_like(constants[0]), zeros_like(constants[1])};
  Values slices = blocks;
  slices.push_back(iota(g, Type::of(DType::i32, {walk.count()}), 0));
  const auto step = [&](Graph&, const Values& p) -> Values {
    const Value k_lanes = p[0], v_lanes = p[1], k_rows = p[2], d_k = p[4], d_v = p[5];
    const BlockOfQueries x{p[6], p[7], p[8], p[9], p[10]};
    const ScoreBlock block{.number = p[11],
                           .lane_number = p[3],
                           .mask = {},
                           .factor = {},
                           .lane_segments = {},
                           .segments = {},
                           .captures = {}};
    const Shape scores{x.q.type().dim(0), x.q.type().dim(1), x.q.type().dim(2), k_lanes.type().dim(3)};
    const auto spread = [&](Value row) { return broadcast(row, dims_span(scores), ints_span({0, 1, 2})); };
    const BlockGradient at =
        gradient_of_block(walk, {x.q, k_lanes}, {x.d_out, v_lanes}, spread(x.log_sum), spread(x.delta), block);
    const auto where_seen = [&](Value more, Value before) {
      return walk.where_block_seen(before + more, before, block);
    };
    const Value more = AttentionWalk::sum_over_lanes(k_rows, at.d_score, at.visible);
    return {where_seen(AttentionWalk::sum_over_block(x.q, at.d_score, at.visible), d_k),
            where_seen(AttentionWalk::sum_over_block(x.d_out, at.weights, at.visible), d_v), where_seen(more, x.d_q)};
  };
  const ScanResults made = scan({constants, start, slices}, walk.count(), step);
  return {made.carries[0], made.carries[1], made.ys[0]};
}

}  // namespace

bool is_for_one_walk(ir::Type q, ir::Type k, ir::Type v, const ScoreForm& form) {
  const auto is_known = [](Dim d) { return d.is_constant(); };
  const auto fits = [&](Dim d) { return is_known(d) && d.constant() % kUnit == 0 && d.constant() <= kMostChannels; };
  const auto has_blocks = [&](Dim d) { return !is_known(d) || d.constant() > form.key_block; };
  const auto at_least_one = [&](Dim d) { return is_known(d) ? d.constant() : int64_t{1}; };
  return fits(q.dim(3)) && fits(v.dim(3)) && form.key_block % kUnit == 0 && form.key_block <= kMostBlock &&
         has_blocks(q.dim(2)) && has_blocks(k.dim(2)) &&
         at_least_one(q.dim(0)) * at_least_one(q.dim(1)) >= kFewestHeads;
}

std::array<Value, 3> gradients_in_one_walk(const GradientOperands& x, const ScoreForm& form) {
  const AttentionMeaning meaning{form, nullptr};
  const AttentionOperands like{.q = x.q, .k = x.k, .v = x.v};
  const AttentionWalk keys(WalkBy::Keys, like, meaning), queries(WalkBy::Queries, like, meaning);
  Graph& g = x.q.graph();
  const Values whole{x.q, x.d_out, x.log_sum, x.delta};  // cut within the step: its kernel reads them where they lie
  const Values cut{keys.side_by_side(x.k), keys.side_by_side(x.v)};
  const Value number = iota(g, Type::of(DType::i32, {keys.count()}), 0);
  Values constants = whole;
  constants.insert(constants.end(), cut.begin(), cut.end());
  const auto step = [&](Graph&, const Values& p) -> Values {
    Values blocks;
    for (const Value& rows : std::span(p).first(4)) blocks.push_back(queries.blocks(rows));
    blocks.push_back(p[6]);
    const Value at = p[9];
    const Values made = walk_queries(queries, block_at(p[4], at), block_at(p[5], at), at, blocks);
    return {made[2], with_block_at(p[7], by_lanes(made[0]), at), with_block_at(p[8], by_lanes(made[1]), at)};
  };
  const Values start{zeros_like(queries.blocks(x.q)), zeros_like(cut[0]), zeros_like(cut[1])};
  const ScanResults made = scan({constants, start, {number}}, keys.count(), step);
  return {queries.rows(made.carries[0]), keys.whole_of(made.carries[1]), keys.whole_of(made.carries[2])};
}

}  // namespace strata::ops
