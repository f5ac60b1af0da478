// What one task of a scatter has: the indices of the shared axes, and perhaps a piece of the last axis that no position
// names, from `first` to before `last`.
#pragma once

#include "strata/ops/facets/lowering.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/index/scatter_lowering.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {

/// Columns of a table that one task owns: four cache lines of f32.
inline constexpr int64_t kColumnsPerTask = 64;

class ScatterPart {
 public:
  ScatterPart(ir::Lowering& l, const GatherLayout& g, std::span<const Expr> batch, Expr first, Expr last);

  ir::Lowering& l;
  const GatherLayout& g;
  ir::loops::LoopContext& c;
  IndexMath m;
  Type x, updates;
  Combine combine;
  Fold fold;
  DType wide;  ///< in which updates are combined

  /// Updates of one run through the task, at most.
  Dim most_updates() const;
  /// The most elements of an axis of x that a task has, and how many it has.
  Dim extent_of(int64_t x_axis) const;
  Expr length_of(int64_t x_axis) const;
  /// x's index of an element, by its index behind the shared axes, counted from the part's first.
  std::vector<Expr> inside(std::span<const Expr> at) const;
  /// For every element of the part, by its index behind the shared axes.
  StmtList over_part(const std::function<StmtList(std::span<const Expr> at)>& body) const;
  /// For the elements of a destination, whose position is given by the axes that positions name: by their index behind
  /// the shared axes, and on the other axes alone.
  StmtList over_row(std::span<const Expr> position,
                    const std::function<StmtList(std::span<const Expr> at, std::span<const Expr> others)>& body) const;
  /// For each update in order: its leading index.
  StmtList over_updates(const std::function<StmtList(const std::vector<Expr>& lead)>& body) const;
  /// The element of an update's row, in the dtype in which they are combined.
  Expr update_at(const std::vector<Expr>& lead, std::span<const Expr> others) const;
  /// Around row(position): the position of an update, read once; nothing happens where it is dropped.
  StmtList at_position(const std::vector<Expr>& lead,
                       const std::function<StmtList(std::span<const Expr> position)>& row) const;

  Expr result_at(std::span<const Expr> at) const;
  ir::loops::StmtPtr store_result(std::span<const Expr> at, Expr value) const;
  const ir::loops::Buffer* scratch(const char* name, DType dtype, std::vector<Dim> shape) const;

 private:
  bool is_cut(int64_t x_axis) const { return first_ && x_axis == g.others.back(); }

  std::span<const Expr> batch_;
  Expr first_, last_;
};

}  // namespace strata::ops
