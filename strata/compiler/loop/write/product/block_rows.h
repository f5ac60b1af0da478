// The rows of a product of blocks, packed for all the depth, and what the sums of their blocks begin with:
//
//   rows    [tile][row][block * terms + term]   i8, or i16
//   starts  [tile][row][block]                  -offset * (sum of the block's integers) + shift, where the columns'
//                                               integers are read `offset` too large: i16 or i32, as the sums are
//   scales  [tile][row][block]
#pragma once

#include "strata/compiler/loop/nest/contraction.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class BlockRows {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  /// `shift`: what sums of pairs begin with.
  BlockRows(const ProductScope& scope, const BlockProduct& product, BlockSums sums, int64_t offset, int64_t shift);

  Stmts alloc() const;
  Stmts pack(TaskRange rows) const;
  /// Terms `term` .. `term + group` of row i of a tile, beside each other.
  Expr integers(Expr it, int64_t i, Expr block, int64_t term, int group) const;
  Expr start(Expr it, int64_t i, Expr block) const;
  Expr scale(Expr it, int64_t i, Expr block) const;
  /// The dtype of a block's sum.
  ir::DType sum() const { return sums_ == BlockSums::Pairs ? ir::DType::i16 : ir::DType::i32; }

 private:
  bool has_starts() const { return offset_ != 0 || shift_ != 0; }
  /// The sum of the integers of a block that is packed already.
  Expr block_sum(Expr tile, Expr i, Expr block, Stmts& stmts) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  const BlockProduct& product_;
  BlockSums sums_;
  int64_t offset_, shift_;
  const ir::loops::Buffer *integers_, *starts_, *scales_;
};

}  // namespace strata::compiler
