// Convolutions with windows along rows: see windowed_contraction.h.
#pragma once

#include <vector>

#include "strata/compiler/loop/window_tiling.h"

namespace strata::compiler {

std::vector<ir::loops::StmtPtr> schedule_row_windows(const Contraction& contraction, const Windows& windows,
                                                     const RowWindowTiling& tiling, ir::loops::LoopContext& context,
                                                     const ir::Facts& facts);

}  // namespace strata::compiler
