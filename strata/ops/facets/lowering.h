// How an op becomes loops. The `lower` facet of a block is called once per node and says which of six forms the op
// has; the compiler (compiler/lower) owns the loops, fuses, and schedules.
//
//   element     result[i...] = f(i...), reading operands at any index: pointwise ops, data movement, indexing. Fuses as
//               a producer.
//   reduction   result[i...] = finish(fold of combine over r... of f(i..., r...)). Order of the fold: see design.md,
//               section 4.1.
//   contraction result[...] = sum over k of lhs * rhs, ascending chains of FMAs per element, joined by blocks.
//               Elements of both sides are functions of indices, so that producers (casts, transposes, padding) fuse
//               into the packing.
//   loops       the op writes its own statements over buffers: sort, cumulative ops.
//   update      the result is an operand in which some elements are written: scatter, dynamic_update_slice. The
//               statements store those and no others; the rest lies in the result's memory when they begin, which is
//               the operand's where it dies there, else a copy that the plan makes.
//   alias       the result is the operand's memory under another shape: reshape.
//
// A rule that says none of these leaves the node to the plan: a literal that is too large for expressions is the plan's
// data.
//
// Symbolic extents are 1 or more when a kernel runs: for a binding that makes one 0 the program is compiled with its
// numbers (compiler/compile.cpp). So a rule need only look out for the extent that is the number 0.
//
// Ops with regions (cond, while, scan, call) are not lowered by a rule: the plan runs their regions.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/ir/loops/kernel.h"

namespace strata::ir {

/// An element at an index (one i64 expression per axis).
using ElementFn = std::function<loops::Expr(std::span<const loops::Expr> index)>;

struct ReductionForm {
  std::vector<Dim> kept;     ///< extents of the result's axes
  std::vector<Dim> reduced;  ///< extents of the folded axes, outermost first
  /// The reduced axes include the operand's last axis: 32 virtual lanes over the flattened reduced index and a fixed
  /// tree, in blocks of 1,024 terms: 32 chains of at most 32. Otherwise one ascending chain per element and block.
  /// Blocks of sums and products are joined (ir/loops/joined_loops.h).
  bool is_last_axis_reduced = false;
  /// The term at (kept index..., reduced index...), already in the accumulation dtype (f32 for half floats).
  ElementFn term;
  loops::Expr identity = nullptr;  ///< start of each lane or chain
  std::function<loops::Expr(loops::Expr, loops::Expr)> combine;
  std::function<loops::Expr(loops::Expr)> finish;  ///< to the result's dtype; empty: as it is
};

struct ContractionForm {
  std::vector<Dim> batch, rows, columns, depth;  ///< extents; any of them may be empty (then one element)
  size_t window_axes = 0;  ///< the last so many axes of depth are positions of a window: a block holds whole windows
  /// Elements at (batch..., row..., depth...) and (batch..., column..., depth...), in the accumulation dtype.
  ElementFn lhs, rhs;
  /// Of integers in blocks under scales: a step of the depth is a block of so many terms, and lhs and rhs are i32, at
  /// (..., depth..., term). The block's sum is exact, and enters the sums of f32 times its scales:
  /// acc = fma(f32(sum), lhs_scale * rhs_scale, acc). 0: a step of the depth is one product.
  int64_t block_terms = 0;
  ElementFn lhs_scale, rhs_scale;  ///< at (batch..., row or column..., depth...)
  /// Of floats: how a product enters its sum, Fma or FmaFlushed.
  loops::ExprOp fma = loops::ExprOp::Fma;
  /// Result index from (batch..., row..., column...).
  std::function<std::vector<loops::Expr>(std::span<const loops::Expr>)> result_index;
  std::function<loops::Expr(loops::Expr)> finish;  ///< to the result's dtype; empty: as it is
};

struct UpdateForm {
  int operand = 0;  ///< of the result's type; the statements read its elements from the result's memory alone
  /// The statements that write the touched elements of result 0. Other operands are read as elements, which their
  /// producers may be computed in, or as buffers. Nothing here can fail: what is checked is checked by a node before.
  std::function<std::vector<loops::StmtPtr>()> write;
};

struct LoopsForm {
  /// The statements that fill the results; their outermost loop may be Parallel.
  std::function<std::vector<loops::StmtPtr>()> write;
};

/// Given to a lower rule. Exactly one of element / reduction / contraction / loops / update / alias is called per
/// result (`loops` for all results at once).
class Lowering {
 public:
  Lowering(const Node& node, loops::LoopContext& context) : node(node), context(context) {}
  virtual ~Lowering() = default;
  const Node& node;
  loops::LoopContext& context;

  // What the rule reads.
  /// The element of operand i at an index: a load, or the operand's producer written out in place. As stored: f16 and
  /// bf16 elements come as f16 and bf16; cast before computing.
  virtual loops::Expr operand(int i, std::span<const loops::Expr> index) = 0;
  /// The memory of operand i and of result r: only inside LoopsForm::write and UpdateForm::write.
  virtual const loops::Buffer* operand_buffer(int i) = 0;
  virtual const loops::Buffer* result_buffer(int r) = 0;

  // What the rule says.
  virtual void element(int result, ElementFn f) = 0;
  virtual void reduction(int result, ReductionForm form) = 0;
  virtual void contraction(ContractionForm form) = 0;
  virtual void loops(LoopsForm form) = 0;
  virtual void update(UpdateForm form) = 0;
  virtual void alias(int operand) = 0;
};

}  // namespace strata::ir
