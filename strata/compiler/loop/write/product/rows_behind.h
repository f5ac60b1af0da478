// What stands behind each row of a product's result (nest/rows_behind.h), for the rows that a task has made: they come
// from its cache.
#pragma once

#include "strata/compiler/loop/write/product/scope.h"

namespace strata::compiler {

/// For the whole rows in a task's range of rows and of columns; the loops of its batch are in scope.outer.
std::vector<ir::loops::StmtPtr> rows_behind(const ProductScope& scope, TaskRange rows, TaskRange columns);

}  // namespace strata::compiler
