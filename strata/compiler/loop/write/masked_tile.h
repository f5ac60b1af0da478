// The register tile of a product within a program (nest/masked_chain.h): rows by vectors of columns, which are those of
// a matrix, or the lanes that go through the program together.
//
//   s00, s01, ... = start
//   for k...
//     c0, c1, ... = right             a vector of columns each;  where a step doesn't count, d0, d1, ... with zeros
//     r0 = left                       broadcast;  s00 = fma(r0, c0, s00), s01 = fma(r0, c1, s01), ...
//     r1 = left                       ...
//   what is stored of each of the sums
#pragma once

#include <functional>
#include <vector>

#include "strata/compiler/loop/nest/masked_chain.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

/// How the naive program reads at the place to which its writer has come.
struct ProgramPlace {
  ir::loops::LoopContext& context;
  /// What loops and locals of the naive program are there; a tile adds the chain's and its rows'.
  ir::loops::Substitution& outer;
  /// An expression that is the same for all columns, and ones and statements in one column.
  std::function<ir::loops::Expr(ir::loops::Expr)> outside;
  std::function<ir::loops::Expr(ir::loops::Expr, ir::loops::Expr column)> in_column;
  std::function<std::vector<ir::loops::StmtPtr>(const std::vector<ir::loops::StmtPtr>&, ir::loops::Expr column)>
      all_in_column;
};

/// So many rows, by so many vectors of so many lanes.
struct MaskedTile {
  int64_t rows = 1, vectors = 1;
  int lanes = 1;
};

/// The columns of a tile from `u` on, in all `count` rows of the naive loop `row`, tile by tile; their loop is `x`.
/// E0317 when the right side or what is stored has no vector form.
std::vector<ir::loops::StmtPtr> tiles_over_rows(const MaskedTile& tile, const ProgramPlace& place,
                                                const MaskedChain& chain, const ir::loops::Stmt& row, int64_t count,
                                                const ir::loops::LoopVar* x, ir::loops::Expr u);

/// Whether every step counts, of `count` iterations of the loop that `where` changes with: `row` if it is by row.
ir::loops::Expr holds_at_corners(const ProgramPlace& place, const MaskedChain& chain, const ir::loops::LoopVar* row,
                                 ir::loops::Expr count);

}  // namespace strata::compiler
