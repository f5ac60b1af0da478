// The packed columns of a contraction: what a panel of depth of a task's columns looks like in scratch.
//
//   [tile][k][tile_columns], of all tiles or of the one that is gone through; runs that cross tiles (a convolution's
//                            windows, its strides) are copied into a line of all columns of a k first
//   [tile][k / group][tile_columns][k mod group] for dot products of groups (column_groups.cpp);
//                                           k mod group the other way round where pairs are exchanged (contraction.h)
//
// The operand may be any expression, as of a row panel. Columns beyond the end are zero, or repeat the last one; their
// sums are never read.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/write/product/ready_columns.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

/// Whether the columns of a task are packed as lines that all tiles are cut of, not tile by tile.
bool packs_line_by_line(const ProductScope& scope, ColumnStorage storage);

class ColumnPanel {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;
  using LoopVar = ir::loops::LoopVar;

  enum class Holds : uint8_t { TilesOfTask, OneTile };
  explicit ColumnPanel(const ProductScope& scope, ColumnStorage storage = ColumnStorage::Packed,
                       Holds holds = Holds::TilesOfTask);

  Stmts alloc() const;
  /// `first`: how far into the panel depth.low lies; null: at its beginning.
  Stmts pack(TaskRange columns, TaskRange depth, Expr first = nullptr) const;
  /// Whether tiles are packed one by one, each along the depth: then pack_one() does it for tile `tile` alone. Of rows
  /// that lie far apart those of one tile stay in the first cache, and their pages in its table.
  bool is_tile_by_tile() const { return is_along_depth_ && scope_.contraction.group == 1; }
  Stmts pack_one(Expr tile, TaskRange columns, TaskRange depth, Expr first = nullptr) const;
  /// The same from panels, which the columns lie in; and tile `tile` alone.
  Stmts unpack(const ReadyColumns& from, TaskRange columns, TaskRange depth) const;
  Stmts unpack_one(const ReadyColumns& from, Expr tile, TaskRange columns, TaskRange depth, RowTileOf rows) const;
  /// Prefetches of what the tile whose first column is `first` is packed of at k, where a processor does not follow it
  /// by itself: row by row of a large matrix.
  Stmts prefetches(Expr first, Expr k) const;
  bool come_from_memory() const;
  /// Vector `v` of tile `jt` at k, counted from the block's first, or a group of such k by its number.
  Expr at(Expr jt, int64_t v, Expr k) const;
  std::string note() const;

 private:
  /// A range of depth, and which k lies at the beginning of the panel.
  struct PanelDepth : TaskRange {
    Expr origin;
  };
  Stmts copy_row(Expr tile, Expr first, const LoopVar* k, const PanelDepth& depth, ir::loops::Substitution with) const;
  Stmts pack_rows_of_tiles(TaskRange columns, const PanelDepth& depth) const;
  Stmts pack_row_by_row(Expr tile, Expr first, const PanelDepth& depth) const;
  Stmts pack_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const;
  Stmts pack_whole_tile(Expr tile, Expr first, const PanelDepth& depth) const;
  Stmts pack_interleaved(Expr tile, Expr first, const PanelDepth& depth) const;
  Stmts pack_cut_tile(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const;
  Stmts pack_chains(Expr tile, Expr first, TaskRange columns, const PanelDepth& depth) const;
  Stmts pack_lines(TaskRange columns, const PanelDepth& depth) const;
  // column_groups.cpp
  Stmts pack_groups(Expr tile, Expr first, TaskRange columns, TaskRange depth) const;
  Stmts pack_groups_as_they_lie(Expr tile, Expr first, TaskRange columns, TaskRange depth) const;
  Stmts pack_group(Expr tile, Expr first, Expr count, Expr number, TaskRange depth, bool is_whole) const;
  Stmts pack_interleaved_groups(Expr tile, Expr first, TaskRange depth) const;
  Stmts pack_groups_along_depth(Expr tile, Expr first, Expr count, TaskRange depth) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  /// Where tile `jt` lies.
  Expr place_of(Expr jt) const { return holds_ == Holds::OneTile ? c_.i64(0) : jt; }
  /// Indices of a column of tile `tile` at k, or at a group of k.
  std::vector<Expr> place(Expr tile, Expr k, Expr column) const;

  bool is_along_depth_, is_in_lines_;
  bool is_interleaved_;  ///< then the lines of a tile are one
  Holds holds_;
  const ir::loops::Buffer *panel_, *line_ = nullptr;
};

}  // namespace strata::compiler
