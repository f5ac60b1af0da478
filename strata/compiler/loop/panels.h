// The packed operands of a contraction: what a block of depth of a task's rows, or columns, looks like in scratch.
//
//   rows      [tile][row][k] where k is contiguous in memory, else [tile][k][row]
//   columns   [tile][k][tile_columns], or [k][columns] where runs cross tiles (a convolution's windows)
//
// Rows that lie in memory as the panel would have them, close together, are read where they are if few columns share
// the price of packing them; only a tile that is cut by the end of the block is packed then.
//
// Operands may be any expression: packing evaluates it once per element and task, so casts, transposed reads and the
// selects of padding cost the packing and nothing else. Rows beyond the end repeat the last one, columns beyond it are
// zero, or repeat it; their sums are never read.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/contraction_scope.h"
#include "strata/compiler/loop/schedule_kinds.h"

namespace strata::compiler {

/// Whether whole tiles of rows can be read from the operand: loads without arithmetic, contiguous along the depth,
/// whose rows are a constant way apart.
bool rows_lie_ready(const ContractionScope& scope);
/// And whether that is better than to pack them.
bool in_place_rows_pay(const ContractionScope& scope);

class RowPanel {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  explicit RowPanel(const ContractionScope& scope, RowStorage storage = RowStorage::Packed);

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(panel_); }
  Stmts pack(TaskRange rows, TaskRange depth) const;
  /// Row `i` of tile `it` at k, counted from the block's first.
  Expr at(Expr it, int64_t i, Expr k) const;
  /// Whether whole tiles are read by `in_place` and `at` is for a cut tile alone.
  bool is_in_place() const { return is_in_place_; }
  /// Row `row` at depth k, both counted from the operand's first.
  Expr in_place(Expr row, Expr k) const;
  std::string note() const;

 private:
  Stmts pack_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;
  Stmts pack_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;

  const ContractionScope& s_;
  bool is_along_depth_, is_in_place_;
  const ir::loops::Buffer* panel_;
};

class ColumnPanel {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  explicit ColumnPanel(const ContractionScope& scope);

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(panel_); }
  Stmts pack(TaskRange columns, TaskRange depth) const;
  /// Vector `v` of tile `jt` at k, counted from the block's first.
  Expr at(Expr jt, int64_t v, Expr k) const;
  std::string note() const;

 private:
  Stmts pack_rows_of_tiles(TaskRange columns, TaskRange depth) const;
  Stmts pack_tile(Expr tile, Expr first, TaskRange columns, TaskRange depth) const;
  Stmts pack_whole_tile(Expr tile, Expr first, TaskRange depth) const;
  Stmts pack_cut_tile(Expr tile, Expr first, TaskRange columns, TaskRange depth) const;
  Stmts pack_chains(Expr tile, Expr first, TaskRange columns, TaskRange depth) const;
  Stmts pack_lines(TaskRange columns, TaskRange depth) const;

  const ContractionScope& s_;
  bool is_along_depth_, is_in_lines_;
  const ir::loops::Buffer* panel_;
};

}  // namespace strata::compiler
