// The packed operands of a contraction: what a block of depth of a task's rows, or columns, looks like in scratch.
//
//   rows      [tile][row][k] where k is contiguous in memory, else [tile][k][row]
//   columns   [tile][k][tile_columns], or [k][columns] where runs cross tiles (a convolution's windows)
//
// Operands may be any expression: packing evaluates it once per element and task, so casts, transposed reads and the
// selects of padding cost the packing and nothing else. Rows beyond the end repeat the last one, columns beyond it are
// zero, or repeat it; their sums are never read.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/contraction_scope.h"

namespace strata::compiler {

class RowPanel {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  explicit RowPanel(const ContractionScope& scope);

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(panel_); }
  Stmts pack(TaskRange rows, TaskRange depth) const;
  /// Row `i` of tile `it` at k, counted from the block's first.
  Expr at(Expr it, int64_t i, Expr k) const;
  std::string note() const;

 private:
  Stmts pack_chains(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;
  Stmts pack_tile(Expr tile, Expr first, TaskRange rows, TaskRange depth) const;

  const ContractionScope& s_;
  bool is_along_depth_;
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
