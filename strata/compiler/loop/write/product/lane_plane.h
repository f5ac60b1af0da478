// An operand in scratch whose vectors run along a loop of the batch: [row][axis 0][axis 1]...[lane], padding included.
//
// An axis is a loop of the operand's group, a loop of the depth, or both where the operand is read at their sum (a
// window): then it holds each element once, and what a window reads is a shift by whole vectors, whatever its stride.
// Where the batch ends within a vector, the lanes behind its end hold zeros.
#pragma once

#include <vector>

#include "strata/compiler/loop/nest/windows.h"
#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

class LanePlane {
 public:
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  /// The operand is read at stride * space + step * offset, of which one factor is 1 and one loop may be missing.
  struct Axis {
    const ir::loops::LoopVar* space = nullptr;
    const ir::loops::LoopVar* offset = nullptr;
    int64_t stride = 1, step = 1;
    int64_t positions = 1;  ///< of `space` in scratch at once
    int64_t reach = 0;      ///< elements beyond a position that its offsets read

    int64_t length() const { return stride * (positions - 1) + reach + 1; }
  };
  static Axis along_window(const WindowAxis& axis, int64_t positions);
  static Axis along_depth(const NestLoop& loop);

  /// `group`: loops of the operand that are no axes, as one flat index, of which `rows` are in scratch at once.
  LanePlane(const ProductScope& scope, const char* name, Expr operand, LoopGroup group, int64_t rows,
            std::vector<Axis> axes, NestLoop lane);

  ir::loops::StmtPtr alloc() const { return ir::loops::make_alloc(plane_); }
  /// Copies rows rows.low..rows.high and, of axis 0, what the positions space.low..space.high reach. scope.outer says
  /// what the loops outside are.
  Stmts pack(TaskRange lanes, TaskRange rows, TaskRange space) const;
  /// The vector at a row (counted from the first that was packed) and at the axes' loops as `at` has them. Axis 0
  /// begins at the position `first`.
  Expr load(Expr row, const ir::loops::Substitution& at, Expr first) const;

 private:
  /// For one lane; `number` counts it from the first.
  Stmts copy(TaskRange lanes, Expr number, TaskRange rows, TaskRange space) const;

  const ProductScope& scope_;
  ir::loops::LoopContext& c_;
  Expr operand_;
  LoopGroup group_;
  GroupIndex rows_;
  std::vector<Axis> axes_;
  NestLoop lane_;
  const ir::loops::Buffer* plane_;
};

}  // namespace strata::compiler
