// The loops of kernels that go through rows in several stages (rows.h has a drawing): each stage is a reduction of the
// row, or a loop over its elements that stores what later stages read.
#pragma once

#include <vector>

#include "strata/compiler/lower/kernel_writer.h"
#include "strata/compiler/lower/rows.h"

namespace strata::compiler {

/// Of a region whose rows lie in memory or are made element by element.
std::vector<ir::loops::StmtPtr> row_nest(KernelWriter& writer, const ir::Graph& region, const Rows& rows);

/// Of a region whose product makes rows that are reduced behind it.
std::vector<ir::loops::StmtPtr> product_row_nest(KernelWriter& writer, const ir::Graph& region, const ir::Node& product,
                                                 const Rows& rows);

}  // namespace strata::compiler
