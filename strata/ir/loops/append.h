// Lists of statements, put together.
#pragma once

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

inline void append(std::vector<StmtPtr>& to, const std::vector<StmtPtr>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace strata::ir::loops
