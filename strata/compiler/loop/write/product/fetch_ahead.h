// Steps of the depth that fetch what comes next: while row tiles go through one tile of columns, memory rests, and the
// first of them would wait for each line of the next.
#pragma once

#include <functional>

#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

/// Which of the row tiles that go through a tile of columns this is: each fetches its part of the next tile of columns.
struct RowTileOf {
  ir::loops::Expr number = nullptr;  ///< null: nothing is fetched
  int64_t count = 1;
};

/// for k in low..high { body }, and `fetch`(k'), prefetches of the next tile at a k', for the part of the same range
/// that is this row tile's. Less often than every step where there are many row tiles.
std::vector<ir::loops::StmtPtr> steps_that_fetch(
    const ProductScope& scope, RowTileOf rows, const ir::loops::LoopVar* k, ir::loops::Expr low, ir::loops::Expr high,
    std::vector<ir::loops::StmtPtr> body, const std::function<std::vector<ir::loops::StmtPtr>(ir::loops::Expr)>& fetch);

}  // namespace strata::compiler
