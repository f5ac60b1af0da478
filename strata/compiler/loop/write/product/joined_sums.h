// The sums of a contraction between its blocks of depth: partial results of the tree that joins them
// (ir/loops/joined_loops.h), for all register tiles of a task.
//
//   sums [plane][row][column]     plane l: what waits at level l of the tree; the total lies in plane 0
//                                 the last plane: chains that a panel has cut in the middle of a block, if any
#pragma once

#include <vector>

#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class JoinedSums {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  enum class Cut : uint8_t { BetweenBlocks, WithinBlocks };
  JoinedSums(const ProductScope& scope, Cut cut, int64_t rows, int64_t columns);

  /// A piece of depth that a register tile goes through: a block, or a part of one.
  struct Segment {
    Expr block;                                 ///< its number
    Expr is_start = nullptr, is_end = nullptr;  ///< of the block; null: it is
  };

  /// Steps low..high of `end`, within one block of `block_steps` of them.
  Segment part_of_block(TaskRange steps, int64_t block_steps, Expr end) const;

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(sums_); }
  Expr total(Expr row, Expr column) const { return c_.load(sums_, {c_.i64(0), row, column}); }

  /// The accumulators of a register tile, each with its place.
  void add(const ir::loops::Local* sum, Expr row, Expr column) { places_.push_back({sum, row, column}); }
  /// Declares them: at the start of a chain, or where it was cut.
  Stmts begin(const Segment& segment) const;
  /// Joins and stores them, and forgets them.
  Stmts end(const Segment& segment);

 private:
  struct Place {
    const ir::loops::Local* sum;
    Expr row, column;
  };
  Expr at(Expr plane, const Place& place) const { return c_.load(sums_, {plane, place.row, place.column}); }
  Stmts store(Expr plane) const;
  Stmts join(Expr block) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  bool is_one_block_;
  int64_t cut_plane_;
  const ir::loops::Buffer* sums_;
  std::vector<Place> places_;
};

}  // namespace strata::compiler
