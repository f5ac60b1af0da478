// Convolutions with windows along columns: see windowed_contraction.h.
#pragma once

#include <vector>

#include "strata/compiler/loop/window_tiling.h"

namespace strata::compiler {

std::vector<ir::loops::StmtPtr> schedule_column_windows(const Contraction& contraction, const Windows& windows,
                                                        const ColumnWindowTiling& tiling,
                                                        ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
