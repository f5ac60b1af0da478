// The chain of a product within a program (nest/strip.h, nest/matrix_program.h), and what it hides.
//
//   acc = start;  for k... { acc = fma(left, right, acc) };  stores
//
// Steps that don't count are hidden on both sides: fma(select(where, left, 0), select(where, right, 0), acc).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

struct MaskedChain {
  std::vector<const ir::loops::Stmt*> depth;  ///< loops of the chain, outermost first, at least one
  const ir::loops::Local* accumulator = nullptr;
  ir::loops::Expr start = nullptr;                  ///< a constant
  ir::loops::Expr left = nullptr, right = nullptr;  ///< left: the same for all columns of the product
  ir::loops::Expr where = nullptr;                  ///< bool: where a step counts; null: everywhere
  bool is_where_by_row = false;                     ///< else by column
  std::vector<ir::loops::StmtPtr> stores;           ///< of what the accumulator ends with
};

/// The statements as a chain and what follows it, sides as written: nothing is hidden yet. Empty if they are none.
std::optional<MaskedChain> read_chain(std::span<const ir::loops::StmtPtr> stmts);

/// A chain whose sides are both hidden by the same condition, without it; empty if they aren't.
std::optional<MaskedChain> with_mask_apart(MaskedChain chain);

/// Whether `where` is known of a box of steps and of iterations of `place` (its loop over rows or columns; null: there
/// is none) from the box's corners: it joins comparisons of numbers that are linear in both loops, each of which holds
/// on a half plane.
bool is_known_at_corners(const MaskedChain& chain, const ir::loops::LoopVar* place);

}  // namespace strata::compiler
