// Columns that lie in panels (nest/panels.h), as a register tile reads them: a vector of each panel's line at a k, or
// at a group of k, through whatever decodes it.
//
// Blocks of several k (nest/panels.h: DepthPeriods) are gone through block by block, so that what changes with k in the
// way they are decoded is a constant or the index of a load, and what a block has once is read once:
//
//   for block { scale = ...;  for k in 0..16 { low half of the byte };  for k in 0..16 { high half } }
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/compiler/loop/nest/panels.h"
#include "strata/compiler/loop/write/product/fetch_ahead.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

/// The panels in which the columns lie. E0317 if they don't, or not as this tiling reads them.
ReadyPanels require_panels(const Contraction& contraction, const Tiling& tiling, ir::loops::LoopContext& context,
                           const ir::Facts& facts);

class ReadyColumns {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  ReadyColumns(const ProductScope& scope, ReadyPanels panels);

  /// What one step of the depth does: `k`, counted from the panel of depth, or the number of a group of k, and vector v
  /// of the tile's columns there.
  using ColumnAt = std::function<Expr(size_t v)>;
  using Step = std::function<Stmts(Expr k, const ColumnAt& column_at)>;
  /// The steps low..high of a panel of depth that begins at `origin`, in ascending order, for tile `jt` of the columns
  /// from `first_column` on.
  Stmts steps(Expr jt, Expr first_column, Expr origin, TaskRange depth, const Step& step, RowTileOf rows) const;
  /// Vector v of a tile at a k that is counted from `origin`: of linear panels (ReadyPanels::is_linear), which are read
  /// in any order.
  using VectorAt = std::function<Expr(size_t v, Expr k)>;
  /// Where vector v of the tile begins in each line, by line and vector: at `origin` where the line is linear in k,
  /// else at the panel's first element.
  using Firsts = std::vector<std::vector<Expr>>;
  Firsts firsts(Expr jt, Expr first_column, Expr origin, Stmts& stmts) const;
  VectorAt vectors(const Firsts& first, Expr origin) const;
  /// Whether all of the columns are more than the second cache holds: then a tile of them is fetched while the row
  /// tiles go through the one before it.
  bool come_from_memory() const;
  /// Whether the tile between it and this place leaves it in the second cache until it is used.
  bool next_tile_is_near() const;
  /// Of what linear panels have for the next tile of columns at k, counted from `origin`.
  Stmts prefetches(const Firsts& first, Expr k) const;
  std::string note() const;

 private:
  Stmts steps_in_a_row(const Firsts& first, Expr origin, TaskRange depth, const Step& step, RowTileOf rows) const;
  Stmts steps_by_blocks(const Firsts& first, Expr origin, TaskRange depth, const Step& step) const;
  Expr start(const ReadyPanels::Line& line) const;
  /// The operand at vector v and `k`, which is `relative` to the panel of depth, there in groups.
  Expr decoded(const Firsts& first, size_t v, Expr k, Expr relative, LinearIndices& indices) const;
  /// The contraction's group that begins at k.
  Expr group_at(const Firsts& first, size_t v, Expr k, Expr relative) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  ReadyPanels panels_;
  DepthPeriods periods_;
};

}  // namespace strata::compiler
