// The columns of a product of blocks, as its register tiles read them out of panels (nest/panels.h: BlockPanels): the
// integers of a few neighbouring terms of each column beside each other, and a vector of the block's scales.
//
//   q4_0, pairs   u8[32] = (byte >> 4 * half) & 15 of 16 columns, terms 2 i and 2 i + 1;  f32[16] = scales
#pragma once

#include "strata/compiler/loop/nest/block_integers.h"
#include "strata/compiler/loop/nest/panels.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class BlockColumns {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  BlockColumns(const ProductScope& scope, const BlockProduct& product, BlockPanels panels, BlockSums sums);

  /// Declares where the vectors of tile `jt` begin.
  Stmts begin(Expr jt, Expr first_column);
  /// Terms `term`, a number, to `term + group()` of block b, in vector v: u8 in the unsigned form, or i16.
  Expr integers(Expr block, int64_t term, int64_t v) const;
  Expr scales(Expr block, int64_t v) const;
  int group() const { return sums_ == BlockSums::Bytes ? 4 : 2; }
  /// What is to be subtracted of each integer() to give the integer.
  int64_t offset() const { return sums_ == BlockSums::Words ? 0 : form_.offset; }
  /// The order of the terms in which what is loaded for one is used for the next.
  std::vector<int64_t> order_of_terms() const;
  std::string note() const;

 private:
  /// Terms `term` and `term + 1`, beside each other.
  Expr pair(Expr block, int64_t term, int64_t v) const;
  /// `operand` of `count` columns at one term; of a pair, of as many bytes.
  Expr at(Expr operand, Expr block, int64_t term, int64_t v, int lanes) const;
  Expr index_of(Expr load, Expr block, int64_t term, int64_t v) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  const BlockProduct& product_;
  BlockPanels panels_;
  BlockSums sums_;
  UnsignedForm form_;
  Expr operand_;                          ///< the integers as they are multiplied, one at a time
  std::vector<std::vector<Expr>> first_;  ///< by line and vector
};

}  // namespace strata::compiler
