// Rows of a product's result that something is done with once they are there (RowsBehind): which pieces of a product
// hold them whole.
//
//   y[n, c, p] = sum over k, m[n, c] = sum of y[n, c, :]        rows of the product: c;  columns: n, p
//
// A task has any number of rows of the product here, and columns by multiples of p's extent.
#pragma once

#include <optional>

#include "strata/compiler/loop/nest/contraction.h"
#include "strata/compiler/loop/tiling.h"

namespace strata::compiler {

/// Neighbours in the flat index of rows and of columns that have whole rows of the result: 1 where none of a row's
/// elements lie along that group.
struct WholeRows {
  int64_t rows = 1, columns = 1;
};
/// Empty where the elements of a row are not the innermost loops of one group, or not a known number of them.
std::optional<WholeRows> whole_rows(const Contraction& contraction, ir::loops::LoopContext& context,
                                    const ir::Facts& facts);

/// The tasks of a tiling, as few larger as hold whole rows.
void make_rows_whole(Tiling& tiling, const Contraction& contraction, WholeRows whole);
/// E0317 where a task would end within a row.
void require_whole_rows(const Tiling& tiling, const Contraction& contraction, const std::optional<WholeRows>& whole);

/// How far one step of a loop goes in the first result.
ir::Dim step_in_result(const Contraction& contraction, const NestLoop& loop, ir::loops::LoopContext& context,
                       const ir::Facts& facts);

}  // namespace strata::compiler
