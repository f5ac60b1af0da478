// A contraction recognised in its naive nest: which loops are rows, columns, batch and depth, and what the operands
// are.
//
//   for batch, rows, columns {  acc = 0;  for depth { acc = fma(lhs, rhs, acc) }  epilogue that reads acc }
#pragma once

#include <optional>
#include <vector>

#include "strata/compiler/loop/nest/loop_group.h"

namespace strata::compiler {

/// How the depth is cut into blocks whose sums are joined (ir/loops/joined_loops.h). Sums of integers, which are exact
/// in any order, are cut as those of floats where a step is one product.
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

/// The tree's partial results over a contraction's blocks, the total included.
int64_t sum_planes(const DepthBlocks& blocks);

struct Contraction {
  LoopGroup batch, rows, columns, depth;
  ir::loops::Expr rows_operand = nullptr;     ///< element at (batch, row, depth)
  ir::loops::Expr columns_operand = nullptr;  ///< element at (batch, column, depth)
  ir::loops::Expr start = nullptr;            ///< a constant
  const ir::loops::Local* accumulator = nullptr;
  std::vector<ir::loops::StmtPtr> epilogue;  ///< at (batch, row, column), reads the accumulator
  bool is_float = true;                      ///< fma, else multiply and add
  bool is_flushed = false;                   ///< FmaFlushed
  int group = 1;                             ///< of steps of the depth that are one step of the sums
  DepthBlocks blocks;
  std::shared_ptr<const RowsBehind> behind;  ///< of the nest; a task has to hold whole rows

  /// `row` and `column` are one element each, or a group of them along the depth, in_order_of_steps().
  ir::loops::Expr step(ir::loops::LoopContext& c, ir::loops::Expr row, ir::loops::Expr column,
                       ir::loops::Expr sum) const;
  /// Rows and columns, and their operands, change places: a product does not mind.
  void transpose();
  /// Whether the columns are those of images, or of whatever their outermost loop goes through.
  bool has_images() const { return columns.loops.size() >= 2 && !behind; }
  /// A product for each image: its columns lie beside each other where those of several images don't.
  void take_images_apart();
  /// Of integers, whose sums are exact in any order: chains of at most so many terms.
  void cut_depth(int64_t terms);
  /// Groups of the depth as step() takes them, of groups whose first element comes first: of Dot2Flushed, which begins
  /// with the second, the elements of each pair change places.
  bool exchanges_pairs() const { return is_flushed && group == 2; }
  ir::loops::Expr in_order_of_steps(ir::loops::LoopContext& c, ir::loops::Expr groups) const;
};

/// Where the loops of an operand's group appear: in the operand and in the epilogue.
std::vector<ir::loops::Expr> uses_of_group(const Contraction& contraction, ir::loops::Expr operand);

/// The same sums by dot products of `group` steps of the depth: 4 of u8 by i8, or 2 of integers that fit i16 or of
/// bf16, flushed or not. The operands are what such a product takes, and sums of integers are cut where that is cheap.
/// Empty where they are something else, or a block of floats would cut a group.
std::optional<Contraction> in_groups(const Contraction& contraction, int group, ir::loops::LoopContext& context);

/// The contraction that the nest is; empty if it is none.
std::optional<Contraction> read_contraction(const Nest& nest, const ir::Facts& facts);

/// A product of blocks of integers under scales (ir::ContractionForm::block_terms):
///
///   acc = 0
///   for block { sum = 0;  for term { sum = integer * integer + sum };  acc = fma(f32(sum), scale * scale, acc) }
struct BlockProduct {
  Contraction scales;  ///< over the blocks: its operands are the scales
  const ir::loops::LoopVar* term = nullptr;
  int64_t terms = 0;                          ///< of a block
  ir::loops::Expr rows_integer = nullptr;     ///< i32, at (batch, row, block, term)
  ir::loops::Expr columns_integer = nullptr;  ///< i32, at (batch, column, block, term)

  /// The product of what the columns decode to: where they lie is read off that (panels.h).
  Contraction decoded(ir::loops::LoopContext& context) const;
};
std::optional<BlockProduct> read_block_product(const Nest& nest, const ir::Facts& facts);

}  // namespace strata::compiler
