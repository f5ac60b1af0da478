// The six folds that reductions, windows, cumulative ops and scatters share: identity, one step as the interpreter does
// it, and one step as an expression of the loop program. Max and Min give NaN if either side is NaN.
#pragma once

#include "strata/ops/facets/layout.h"
#include "strata/ops/facets/lowering.h"

namespace strata::ops {

enum class Fold : uint8_t { Sum, Prod, Max, Min, And, Or };

/// What an empty fold gives, in the dtype: 0, 1, the lowest or highest number (floats: -inf, inf), true, false.
double fold_identity(Fold fold, DType t);
int64_t fold_identity_int(Fold fold, DType t);
double fold_step(Fold fold, double a, double b);
/// On integers and bool; Max and Min of u64 compare as unsigned. Wraps on overflow.
int64_t fold_step_int(Fold fold, DType t, int64_t a, int64_t b);

/// In an accumulation dtype (no half floats).
Expr fold_expr(ir::loops::LoopContext& c, Fold fold, Expr a, Expr b);
Expr fold_identity_expr(ir::loops::LoopContext& c, Fold fold, DType t);

/// An accumulator of the interpreter: integers exactly, floats in f64, rounded once when stored.
struct FoldState {
  Fold fold;
  DType dtype;
  double real;
  int64_t integer;
  FoldState(Fold f, DType t) : fold(f), dtype(t), real(0), integer(0) {
    if (computes_in_int(t))
      integer = fold_identity_int(f, t);
    else
      real = fold_identity(f, t);
  }
  void add(const HostArray& from, int64_t i) {
    if (computes_in_int(dtype))
      integer = fold_step_int(fold, dtype, integer, from.get_int(i));
    else
      real = fold_step(fold, real, from.get(i));
  }
  void store(HostArray& to, int64_t i) const {
    if (computes_in_int(dtype))
      to.set_int(i, integer);
    else
      to.set(i, real);
  }
};

// ---- statements ----

using StmtList = std::vector<ir::loops::StmtPtr>;
/// Serial loops over 0..extents, outermost first; the body gets the loop variables.
StmtList loop_nest(ir::loops::LoopContext& c, std::span<const Expr> extents, ir::loops::LoopKind outermost,
                   const std::function<StmtList(std::span<const Expr>)>& body);
/// Loops over 0..extents that may run in any order: the outermost Parallel, the innermost of several Vector, which is
/// how schedules know the loops between as independent, too.
StmtList independent_nest(ir::loops::LoopContext& c, std::span<const Dim> extents,
                          const std::function<StmtList(std::span<const Expr>)>& body);
/// The same within a task, where what is around it isn't independent: serial loops, the innermost marked Vector.
StmtList vector_nest(ir::loops::LoopContext& c, std::span<const Expr> extents,
                     const std::function<StmtList(std::span<const Expr>)>& body);
/// One loop; the body gets its variable.
ir::loops::StmtPtr one_loop(ir::loops::LoopContext& c, const char* name, Expr begin, Expr end, ir::loops::LoopKind kind,
                            const std::function<StmtList(Expr)>& body);
/// Serial loops over the outer and then the inner extents around the body, which adds a term to `sum`, or multiplies it
/// by one. What can have more than one block of floats is joined, in blocks of `block` (ir/loops/joined_loops.h).
StmtList chain_nest(ir::loops::LoopContext& c, std::span<const Dim> outer, std::span<const Dim> inner, int64_t block,
                    const ir::loops::Local* sum, const std::function<StmtList(std::span<const Expr>)>& body);
/// A step of the depth of a contraction of blocks (ContractionForm::block_terms), which adds to `acc`: their exact sum
/// of products in i32, times their scales. `lhs` and `rhs` are the indices of the two blocks.
StmtList block_step(ir::loops::LoopContext& c, const ir::ContractionForm& form, const std::vector<Expr>& lhs,
                    const std::vector<Expr>& rhs, const ir::loops::Local* acc);
/// One Parallel loop over the product of the extents; the body gets the index taken apart. No loop if there are no
/// extents.
StmtList parallel_over(ir::loops::LoopContext& c, std::span<const Dim> extents,
                       const std::function<StmtList(std::span<const Expr>)>& body);

}  // namespace strata::ops
