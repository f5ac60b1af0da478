#include "strata/compiler/loop/write/product/joined_sums.h"

#include <algorithm>

#include "strata/ir/loops/joined_loops.h"

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

JoinedSums::JoinedSums(const ProductScope& scope, Cut cut, int64_t rows, int64_t columns)
    : scope_(scope),
      c_(scope.context),
      is_one_block_(scope.contraction.blocks.count == ir::Dim(1)),
      cut_plane_(is_one_block_ ? 0 : sum_planes(scope.contraction.blocks)) {
  const int64_t planes = cut_plane_ + (is_one_block_ || cut == Cut::WithinBlocks ? 1 : 0);
  sums_ = scope.scratch("sums", scope.type, {planes, rows, columns});
}

JoinedSums::Segment JoinedSums::part_of_block(TaskRange steps, int64_t block_steps, Expr end) const {
  LoopContext& c = c_;
  const Expr length = c.i64(block_steps);
  const auto starts = [&](Expr step) {
    return c.binary(ExprOp::Eq, c.binary(ExprOp::FloorMod, step, length), c.i64(0));
  };
  return {.block = c.binary(ExprOp::FloorDiv, steps.low, length),
          .is_start = starts(steps.low),
          .is_end = c.binary(ExprOp::Or, starts(steps.high), c.binary(ExprOp::Ge, steps.high, end))};
}

Stmts JoinedSums::begin(const Segment& segment) const {
  Stmts stmts;
  for (const Place& place : places_) {
    const Expr start = c_.broadcast(scope_.contraction.start, place.sum->type.lanes);
    const Expr first = segment.is_start ? c_.select(segment.is_start, start, at(c_.i64(cut_plane_), place)) : start;
    stmts.push_back(make_declare(place.sum, first));
  }
  return stmts;
}

Stmts JoinedSums::store(Expr plane) const {
  Stmts stmts;
  for (const Place& place : places_)
    stmts.push_back(make_store(sums_, {plane, place.row, place.column}, c_.read(place.sum)));
  return stmts;
}

/// Up the tree while the node is the second of its parent; the last block passes where there is no second.
Stmts JoinedSums::join(Expr block) const {
  LoopContext& c = c_;
  const Local* level = c.local("level", {ir::DType::i64, 1}, true);
  const Expr above = c.binary(ExprOp::ShrLogical, block, c.read(level));
  const Expr is_second = c.binary(ExprOp::Eq, c.binary(ExprOp::And, above, c.i64(1)), c.i64(1));
  const Expr is_last = c.binary(ExprOp::Eq, block, c.dim(scope_.contraction.blocks.count - ir::Dim(1)));
  const Expr goes_on =
      c.binary(ExprOp::Or, is_second, c.binary(ExprOp::And, is_last, c.binary(ExprOp::Ne, above, c.i64(0))));
  Stmts both;
  for (const Place& place : places_)
    both.push_back(make_assign(place.sum, c.binary(ExprOp::Add, at(c.read(level), place), c.read(place.sum))));
  Stmts stmts{make_declare(level, c.i64(0)),
              make_while(goes_on, {make_if(is_second, std::move(both)),
                                   make_assign(level, c.binary(ExprOp::Add, c.read(level), c.i64(1)))})};
  append(stmts, store(c.select(is_last, c.i64(0), c.read(level))));
  return stmts;
}

Stmts JoinedSums::end(const Segment& segment) {
  Stmts stmts = is_one_block_ ? store(c_.i64(0)) : join(segment.block);
  if (segment.is_end && !is_one_block_) stmts = {make_if(segment.is_end, std::move(stmts), store(c_.i64(cut_plane_)))};
  places_.clear();
  return stmts;
}

}  // namespace strata::compiler
