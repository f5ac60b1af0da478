// Columns of a contraction that lie in memory as its register tiles read them, so that nothing needs to be packed. Of
// each column there is a line of stored elements: one for each k, or the bytes of blocks that several k are decoded of.
//
//   [panel][element of the line][column]             a panel holds `width` columns, the last one filled up
//   [panel][element / group][column][element mod group]    for dot products of groups of the depth; not of elements
//                                                          that share a byte, whose groups are put together as read
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/contraction.h"

namespace strata::compiler {

struct ReadyPanels {
  int64_t width, count;
  int group;  ///< elements of a column that lie beside each other: those of the contraction, or 1
  /// A load of the column operand that goes with the columns, and the elements from one panel to the next.
  struct Line {
    ir::loops::Expr load;
    int64_t distance;
    /// Elements from one k to the next, or from one group of k to the next; nothing where the index is not linear in k.
    std::optional<int64_t> step;
  };
  std::vector<Line> lines;

  /// Each k has its element: the operand is a load, or a load that is converted.
  bool is_linear() const;
  /// Vectors of so many lanes in a panel, if register tiles can be made of such panels; else 0. The image of a
  /// convolution by 1 x 1 is a panel, too, but one so wide that its lines lie in a page each.
  int64_t vectors(int64_t lanes) const { return width % lanes == 0 && width <= 2 * lanes ? width / lanes : 0; }
};

/// Where the column operand lies so; empty if it doesn't. Depth and columns have to be numbers.
std::optional<ReadyPanels> ready_panels(const Contraction& contraction, ir::loops::LoopContext& context,
                                        const ir::Facts& facts);

/// An operand that is a matrix in memory: for each column a line of `line` stored elements, in a piece, or, if it is
/// not along the depth, `columns` apart from each other. The lines of a batch of matrices [depth, columns] that lie one
/// behind the other go through all of them.
struct ColumnMatrix {
  const ir::loops::Buffer* buffer;
  int64_t columns, line;
  bool is_along_depth;
  int group;  ///< elements of a column that had better lie beside each other
};
/// The matrix that the column operand reads; empty if it reads several, or a part of something larger.
std::optional<ColumnMatrix> column_matrix(const Contraction& contraction, ir::loops::LoopContext& context,
                                          const ir::Facts& facts);

/// Columns of a product of blocks (BlockProduct) that lie in panels, as above: in each line of stored bytes one byte
/// or a pair of neighbouring ones lies beside that of the next column.
struct BlockPanels {
  int64_t width, count;
  int stride;  ///< bytes from one column to the next: 1, or 2 where terms 2 i and 2 i + 1 differ in the byte alone
  struct Line {
    ir::loops::Expr load;  ///< in the columns' integer or scale
    int64_t distance;      ///< from one panel to the next
  };
  std::vector<Line> lines;
};
/// Where they lie so; empty if they don't.
std::optional<BlockPanels> block_panels(const BlockProduct& product, ir::loops::LoopContext& context,
                                        const ir::Facts& facts);
/// The matrix of blocks that the columns are read of (ColumnMatrix), whose pairs of bytes had better lie beside each
/// other where each pair is of two neighbouring terms.
std::optional<ColumnMatrix> block_matrix(const BlockProduct& product, ir::loops::LoopContext& context,
                                         const ir::Facts& facts);

/// Steps of the depth after which what the operand does with k begins anew: the length of a block whose elements differ
/// in the index of a load alone, and that of a whole block. 1 and 1 where each k is a block of its own.
struct DepthPeriods {
  int64_t run = 1, block = 1;
};
DepthPeriods depth_periods(const Contraction& contraction);
/// Operations that make an element of the column operand of what is loaded, but for those of what a block has once.
int64_t decoding_operations(const Contraction& contraction);

}  // namespace strata::compiler
