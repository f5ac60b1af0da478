// Long chains of sums and products, in blocks that are joined by a tree: the order of terms that settled point 4.1 asks
// for.
//
// A joining loop begins a perfect nest of loops from 0 by 1. The first `outer` of them, gone through as one flat index
// of C steps, and the `inner` ones behind, as one of P, make C * P terms in ascending order. With L = `block`:
//
//   a block    max(1, L div P) steps of C with all of P, or, where P exceeds L, L terms of one step (less at its end);
//              it is one chain that starts with what the sum is at the loop (block 0) or 0 (of products 1)
//   the sum    the blocks' values, joined by the complete binary tree over their numbers: node (level, n) is
//              (level - 1, 2n) + (level - 1, 2n + 1), or the first alone where there is no second
//
// Serial code needs one partial result for each level: a block's number in binary tells which of them it meets.
#pragma once

#include <optional>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// The most terms that a chain of sums or products has: part of what ops mean (docs/decisions/0013-joined-sums.md).
inline constexpr int64_t kJoinBlock = 256;
/// The same for the lanes of reductions over the last axis, scatters and cumulative ops, whose chains are cheap to end:
/// terms that are all alike round the same way all along a chain.
inline constexpr int64_t kSumBlock = 32;
/// The virtual lanes of a reduction over the last axis, which a fixed tree combines.
inline constexpr int64_t kReductionLanes = 32;

/// Add or Mul: what the body of the joining loop does to its sum; empty if it does neither.
std::optional<ExprOp> join_op(const Stmt& joining);
/// The same of the one statement that assigns to the sum.
std::optional<ExprOp> join_op_of(const Stmt& assign);

/// The partial results of the tree: what waits at each level for its second. Join op Add or Mul.
///
/// The lowest levels, where blocks join all the time, are locals and branches. Of a number of blocks that is not known
/// there are some thirty levels, of which hardly any chain meets more than a few: those above share one loop over
/// memory. Written out they were most of a kernel, and took most of the time to compile it.
class PartialResults {
 public:
  PartialResults(LoopContext& context, ExprOp op, ScalarType type, int levels);

  std::vector<StmtPtr> declare() const;
  /// Block `number` ends with `value`, which goes up the tree while it is a second. With `is_last` it goes all the way,
  /// and becomes the total.
  std::vector<StmtPtr> push(Expr number, const Local* value, Expr is_last) const;
  /// into = the total of the first `count` blocks, which is one or more.
  std::vector<StmtPtr> total(Expr count, const Local* into) const;

 private:
  std::vector<StmtPtr> push_from(size_t level, Expr number, const Local* value, Expr is_last) const;
  std::vector<StmtPtr> push_above(Expr number, const Local* value, Expr is_last) const;
  Expr is_set(Expr number, Expr level) const;
  StmtPtr over_levels_above(const LoopVar* level, std::vector<StmtPtr> body) const;
  std::vector<Expr> place_above(Expr level) const;

  LoopContext& c_;
  ExprOp op_;
  std::vector<const Local*> waiting_;  ///< by level
  const Buffer* above_ = nullptr;      ///< [level - those in locals, lane]; null: there are none above
};

/// What begins a chain of Add or of Mul.
Expr join_identity(LoopContext& context, ExprOp op, ScalarType type);

/// The statements with every joining loop written out: loops over blocks, and the joins.
std::vector<StmtPtr> expand_joining(LoopContext& context, std::span<const StmtPtr> stmts);

/// The number of levels of the tree over `blocks` blocks whose nodes wait for others: partial results that serial code
/// keeps. Enough for any array if the number is not known.
int partial_results(std::optional<int64_t> blocks);

}  // namespace strata::ir::loops
