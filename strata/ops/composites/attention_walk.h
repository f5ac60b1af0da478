// How attention goes through its scores: by blocks of keys with queries as lanes, or by blocks of queries with keys as
// lanes. The scores of a step stand as [B, H, block, lanes].
#pragma once

#include "strata/ops/composites/attention_blocks.h"

namespace strata::ops {

/// [B, H, block, lanes]: a block of scores.
Type score_type(Type q, Type k, int64_t key_block, WalkBy by);
/// Rows [B, H, rows, D] as lanes [B, H, D, rows], and the way back.
Value by_lanes(Value x);

/// How attention is meant: the form of a score, and a function of it (null: none).
struct AttentionMeaning {
  ScoreForm form;
  const ScoreFunction* function = nullptr;
};

/// What a step knows of its block besides the products' sides. Null: there is none.
struct ScoreBlock {
  Value number;                   ///< i32
  Value lane_number;              ///< i32: lanes are a block of their axis, too; null: they are all of it
  Value mask, factor;             ///< blocks of them, of rank 4
  Value lane_segments, segments;  ///< [B, lanes] and [B, block]
  std::vector<Value> captures;
};

/// One way through the scores of attention. The extents are those of `like`.
class AttentionWalk {
 public:
  AttentionWalk(WalkBy by, const AttentionOperands& like, const AttentionMeaning& meaning);

  Dim count() const { return count_; }
  /// x [.., .., rows, ...], rows those that the walk goes through: [.., .., count, block, ...], zeros behind the end;
  /// and the way back.
  Value side_by_side(Value x) const;
  Value whole_of(Value side_by_side) const;
  /// The same as slices of the walk: [count, .., .., block, ...].
  Value blocks(Value x) const;
  /// The way back: [count, .., .., block, ...] as [.., .., rows, ...].
  Value rows(Value blocks) const;
  /// The stacked blocks of scores, as [B, H, T, S].
  Value whole(Value blocks) const;

  struct Scores {
    Value scaled;   ///< the product of q and k, times the scale
    Value capped;   ///< in front of function and mask
    Value visible;  ///< bool; null: everything is. What the others hold where it is false may be anything
    Value masked;   ///< what the softmax is made of: -inf where nothing is seen
  };
  /// `side` [B, H, block, D] of one operand and `lanes` [B, H, D, lanes] of the other.
  Scores scores(Value side, Value lanes, const ScoreBlock& block) const;
  /// The products of rows [B, H, block, D] with [B, H, D, lanes], to be read where it is visible.
  static Value product(Value side, Value lanes, Value visible);
  /// [B, H, block, E] with [B, H, block, lanes], summed over what of the block is visible: [B, H, E, lanes].
  static Value sum_over_block(Value side, Value lanes, Value visible);
  /// [B, H, lanes, E] with [B, H, block, lanes], summed over visible lanes: [B, H, block, E].
  static Value sum_over_lanes(Value side, Value block, Value visible);
  /// Whether a score is more than a product and a scale: then its derivative depends on it.
  bool bends_scores() const { return function_ != nullptr || form_.soft_cap > 0; }
  /// The cotangent of the product of q and k, from that of the masked scores. Where nothing is visible it means
  /// nothing.
  Value through_scores(Value d, const Scores& s, const ScoreBlock& block) const;

  /// `after`, but `before` in lanes that by their position see nothing of the block. For finite values the two are
  /// equal there: this tells a back end that it need not compute them.
  Value where_seen(Value after, Value before, Value number) const;
  /// The same where lanes are a block: `before` if no query of the block can see a key of it.
  Value where_block_seen(Value after, Value before, const ScoreBlock& block) const;

  /// The operands of a scan: first what its maker gives, then what the blocks need.
  struct Steps {
    std::vector<Value> constants, slices;
  };
  Steps steps(const AttentionOperands& x, std::vector<Value> constants, std::vector<Value> slices) const;
  /// The parameters of a step, taken apart: the maker's own in front, the block's behind.
  struct Step {
    std::vector<Value> constants, carries, slices;
    ScoreBlock block;
  };
  Step step(const AttentionOperands& x, const std::vector<Value>& parameters, size_t constants, size_t carries,
            size_t slices) const;

 private:
  struct Places {
    Value query, key;  ///< i32, like the scores
  };
  /// Of places in ascending order.
  struct Ends {
    Value first, last;
  };
  /// The rule of sight: whether some query of these may see some key of those, by their positions. `besides`: what has
  /// to hold as well. Null, of it and of the result: nothing hides any.
  Value may_see(Ends queries, Ends keys, Value besides = {}) const;
  Dim extent() const { return by_ == WalkBy::Keys ? keys_ : queries_; }
  Value length(Value like) const;
  Value offset(Value like) const;
  Places places(Value scores, const ScoreBlock& block) const;
  /// What is seen by position alone, by the score function, and by all that says so; null: everything. `like`: i32 of
  /// the scores' shape.
  Value by_position(Value like, const ScoreBlock& block) const;
  Value by_function(Value like, const ScoreBlock& block) const;
  Value visible(Value like, const ScoreBlock& block) const;
  std::vector<Value> arguments(Value score, const ScoreBlock& block) const;
  Value blocks_of_scores(Value x) const;

  WalkBy by_;
  ScoreForm form_;
  const ScoreFunction* function_;
  Dim queries_, keys_, block_, count_;
  Dim lanes_per_block_;  ///< where lanes are a block
  bool has_end_;         ///< whether places behind the last row are in its block
  bool has_lane_end_;    ///< whether lanes behind the last one are in their block
};

/// The derivative of one block.
struct BlockGradient {
  Value visible;   ///< null: everything is. The others may be anything where it is not
  Value weights;   ///< behind the factor
  Value d_masked;  ///< of what the softmax is made of
  Value d_score;   ///< of the product of q and k
  Value d_factor;  ///< null without one
};
/// What a product of a step reads: rows of the block, and columns by lane.
struct BlockSides {
  Value block, lanes;
};
/// `score` and `out`: the sides of q k^T and of dO v^T. `log_sum` and `delta` like the scores.
BlockGradient gradient_of_block(const AttentionWalk& walk, BlockSides score, BlockSides out, Value log_sum, Value delta,
                                const ScoreBlock& block);

}  // namespace strata::ops
