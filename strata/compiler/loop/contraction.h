// A contraction recognised in its naive nest: which loops are rows, columns, batch and depth, and what the operands
// are.
//
//   for batch, rows, columns {  acc = 0;  for depth { acc = fma(lhs, rhs, acc) }  epilogue that reads acc }
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "strata/compiler/loop/nest.h"

namespace strata::compiler {

/// Loops that are gone through as one flat, row-major index.
struct LoopGroup {
  std::vector<NestLoop> loops;
  ir::Dim extent() const;
  bool is_empty() const { return loops.empty(); }
};

/// How the depth is cut into blocks whose sums are joined (ir/loops/joined_loops.h). Sums of integers, which are exact
/// in any order, are cut as those of floats.
struct DepthBlocks {
  enum class Kind : uint8_t {
    One,     ///< nothing is joined
    Even,    ///< of `terms`, the last may be shorter
    Pieces,  ///< by steps of the outer loops and pieces of the inner ones
  };
  Kind kind = Kind::One;
  int64_t terms = 0;                         ///< the most terms of a block
  ir::Dim count = 1;                         ///< of blocks
  ir::Dim steps, inner;                      ///< of Pieces: extents of the outer and of the inner loops
  ir::Dim steps_per_block, pieces_per_step;  ///< of Pieces: one of them is 1
};

struct Contraction {
  LoopGroup batch, rows, columns, depth;
  ir::loops::Expr rows_operand = nullptr;     ///< element at (batch, row, depth)
  ir::loops::Expr columns_operand = nullptr;  ///< element at (batch, column, depth)
  ir::loops::Expr start = nullptr;            ///< a constant
  const ir::loops::Local* accumulator = nullptr;
  std::vector<ir::loops::StmtPtr> epilogue;  ///< at (batch, row, column), reads the accumulator
  bool is_float = true;                      ///< fma, else multiply and add
  DepthBlocks blocks;

  ir::loops::Expr step(ir::loops::LoopContext& c, ir::loops::Expr row, ir::loops::Expr column,
                       ir::loops::Expr sum) const;
  /// Rows and columns, and their operands, change places: a product does not mind.
  void transpose();
};

/// The contraction that the nest is; empty if it is none.
std::optional<Contraction> read_contraction(const Nest& nest, const ir::Facts& facts);

/// Going through a group's flat index. Substitutions name what the group's loops become.
class GroupIndex {
 public:
  /// `uses`: the expressions in which the group's loops are to be replaced. If their flat form has no quotients left,
  /// the group runs as one loop.
  GroupIndex(ir::loops::LoopContext& context, const ir::Facts& facts, const LoopGroup& group,
             std::span<const ir::loops::Expr> uses);

  bool is_linear() const { return is_linear_; }
  /// At one flat index, which should be a loop variable or a local: declares what it decodes to.
  std::vector<ir::loops::StmtPtr> at(ir::loops::Expr flat, ir::loops::Substitution& with) const;

  using RunBody = std::function<std::vector<ir::loops::StmtPtr>(const ir::loops::LoopVar* var, ir::loops::Expr low,
                                                                ir::loops::Expr high, ir::loops::Expr flat,
                                                                const ir::loops::Substitution& with)>;
  /// For low..high of the flat index: runs along the innermost loop. `body` makes the loop over `var`; `flat` is the
  /// flat index at `var`.
  std::vector<ir::loops::StmtPtr> runs(ir::loops::Expr low, ir::loops::Expr high, const RunBody& body) const;

 private:
  ir::loops::LoopContext& c_;
  const LoopGroup& group_;
  bool is_linear_ = true;
};

/// An expression with loops replaced, and its indices simplified.
ir::loops::Expr replaced(ir::loops::LoopContext& context, const ir::Facts& facts, ir::loops::Expr e,
                         const ir::loops::Substitution& with);

}  // namespace strata::compiler
