// The packed rows of a contraction: what a block of depth of a block of rows looks like in scratch.
//
//   [tile][row][k] where k is contiguous in memory or read in groups, else [tile][k][row]
//
// Rows that lie in memory as the panel would have them, close together, are read where they are if few columns share
// the price of packing them; only a tile that is cut by the end of the block is packed then.
//
// The operand may be any expression: packing evaluates it once per element and task, so casts, transposed reads and the
// selects of padding cost the packing and nothing else. Rows beyond the end repeat the last one; their sums are never
// read.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class RowPanel {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  explicit RowPanel(const ProductScope& scope, RowStorage storage = RowStorage::Packed);

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(panel_); }
  Stmts pack(TaskRange rows, TaskRange depth) const;
  /// Row `i` of tile `it` at k, counted from the block's first, or a group of such k by its number.
  Expr at(Expr it, int64_t i, Expr k) const;
  /// Whether whole tiles are read by `in_place` and `at` is for a cut tile alone.
  bool is_in_place() const { return is_in_place_; }
  /// Row `row` at depth k, both counted from the operand's first.
  Expr in_place(Expr row, Expr k) const;
  std::string note() const;

 private:
  Stmts pack_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;
  Stmts fill_last_group(Expr tile, Expr i, TaskRange depth) const;
  Stmts pack_groups(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;
  Stmts pack_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  bool is_along_depth_, is_in_place_;
  const ir::loops::Buffer* panel_;
};

}  // namespace strata::compiler
