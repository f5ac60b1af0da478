// What the parts of a product's writer share: the contraction, how its groups of loops run, and the few words in which
// index arithmetic is written.
#pragma once

#include <functional>
#include <vector>

#include "strata/compiler/loop/nest/contraction.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/compiler/loop/write/tasks.h"
#include "strata/ir/loops/append.h"

namespace strata::compiler {

struct ProductScope {
  using Expr = ir::loops::Expr;
  using Stmts = std::vector<ir::loops::StmtPtr>;

  ProductScope(const Contraction& contraction, ir::loops::LoopContext& context, const ir::Facts& facts,
               const Tiling& tiling, ColumnStorage storage = ColumnStorage::Packed);

  const Contraction& contraction;
  ir::loops::LoopContext& context;
  const ir::Facts& facts;
  const Tiling& tiling;
  ir::DType type;
  /// In the operand and in the epilogue; of columns that lie in panels, in the epilogue alone.
  GroupIndex rows, columns;
  GroupIndex stored_rows, stored_columns;  ///< in the epilogue alone
  GroupIndex rows_depth, columns_depth;    ///< the depth, in each operand
  std::vector<int> widths;                 ///< of vectors, widest first, 1 last
  ir::loops::Substitution outer;           ///< what the loops around the panels are: a task's batch

  Expr add(Expr a, Expr b) const { return context.binary(ir::loops::ExprOp::Add, a, b); }
  Expr sub(Expr a, Expr b) const { return context.binary(ir::loops::ExprOp::Sub, a, b); }
  Expr mul(Expr a, int64_t b) const { return context.binary(ir::loops::ExprOp::Mul, a, context.i64(b)); }
  Expr min(Expr a, Expr b) const { return context.binary(ir::loops::ExprOp::Min, a, b); }
  Expr ceil_div(Expr a, int64_t unit) const {
    return context.binary(ir::loops::ExprOp::FloorDiv, add(a, context.i64(unit - 1)), context.i64(unit));
  }
  /// `value` in a local of its own, unless it is one already.
  Expr bind(const char* name, Expr value, Stmts& stmts) const;
  Expr element(Expr operand, const ir::loops::Substitution& with) const {
    return replaced(context, facts, operand, with);
  }
  /// The depth, as a flat index, of a block by its number.
  TaskRange block_range(Expr number) const;
  /// Puts the groups of the first `count` elements of a line of a packed panel in_order_of_steps(), by whole vectors:
  /// the line has room for them.
  using PlaceInLine = std::function<std::vector<Expr>(Expr element)>;
  Stmts put_groups_in_order(const ir::loops::Buffer* panel, const PlaceInLine& place, Expr count) const;
  const ir::loops::Buffer* scratch(const char* name, ir::DType dtype, std::vector<ir::Dim> shape) const;
};

/// Elements beside each other, the first in front: as many as a power of two.
ir::loops::Expr beside(ir::loops::LoopContext& context, const std::vector<ir::loops::Expr>& elements);

inline ir::loops::Substitution joined(ir::loops::Substitution a, const ir::loops::Substitution& b) {
  a.loops.insert(b.loops.begin(), b.loops.end());
  return a;
}

}  // namespace strata::compiler
