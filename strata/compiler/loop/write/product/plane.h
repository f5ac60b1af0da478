// The plane of a windowed operand in scratch: [free][phase 0][phase 1]...[axis 0][axis 1]..., padding included, each
// element once. Axes without a stride have one phase.
//
// Behind it lie zeros, as many as a vector that starts at the last position of the last plane can reach.
#pragma once

#include "strata/compiler/loop/nest/windows.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class WindowPlane {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  /// Planes for `count` indices of the free loops at once, and `lines` positions along the outermost axis; `reach`
  /// elements are read from a position on.
  WindowPlane(const ProductScope& scope, const Windows& windows, Expr operand, const LoopGroup& free, int64_t count,
              int64_t lines, int64_t reach);

  int64_t plane_elements() const { return plane_elements_; }
  const std::vector<int64_t>& strides() const { return strides_; }

  /// Memory, and the zeros behind the planes.
  Stmts alloc() const;
  /// Fills the planes of the free indices free.low..free.high, for positions lines.low..lines.high; they lie behind
  /// `before` others, or first.
  Stmts pack(TaskRange free, TaskRange lines, Expr before = nullptr) const;
  /// The flat index of what the offsets' loops (by their values in `offsets`) shift a position by, phases included.
  Expr shift(const ir::loops::Substitution& offsets) const;
  Expr load(Expr flat) const { return c_.load(plane_, {flat}); }
  Expr load_vector(Expr flat) const { return c_.load(plane_, {c_.ramp(flat, 1, scope_.tiling.lanes)}); }

 private:
  Stmts pack_phase(const std::vector<int64_t>& phase, Expr free, TaskRange lines, ir::loops::Substitution with) const;
  /// Elements between the neighbouring phases of an axis.
  int64_t phase_stride(size_t axis) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  const Windows& windows_;
  Expr operand_;
  GroupIndex free_;
  std::vector<int64_t> strides_;
  int64_t phase_elements_, plane_elements_, slack_from_, slack_to_;
  const ir::loops::Buffer* plane_;
};

}  // namespace strata::compiler
