// Columns of a contraction that lie in memory as its register tiles read them, so that nothing needs to be packed:
//
//   [panel][k][column]     a panel holds `width` columns, the last one filled up; k goes through all of the depth
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/contraction.h"

namespace strata::compiler {

struct ReadyPanels {
  const ir::loops::Buffer* buffer;
  ir::loops::Expr first;  ///< index of column 0 at k = 0, in the loops of the batch
  int64_t width, count;
  int64_t distance;  ///< elements from one panel to the next
};

/// Where the column operand lies so; empty if it doesn't. Depth and columns have to be numbers.
std::optional<ReadyPanels> ready_panels(const Contraction& contraction, ir::loops::LoopContext& context,
                                        const ir::Facts& facts);

/// An operand that is a matrix in memory: `columns` beside each other for each k, or, along the depth, all k for each
/// column.
struct ColumnMatrix {
  const ir::loops::Buffer* buffer;
  int64_t columns, depth;
  bool is_along_depth;
};
/// The matrix that the column operand is; empty if it is computed, or a part of something larger.
std::optional<ColumnMatrix> column_matrix(const Contraction& contraction, ir::loops::LoopContext& context,
                                          const ir::Facts& facts);

}  // namespace strata::compiler
