// Writes nests whose points are programs of matrices (nest/matrix_program.h), a point a task:
//
//   parallel task over the nest's loops
//     scratch, loops and branches as written
//     a product:  register tiles of rows by vectors of columns;  sums = 0;
//                 for k { sums = fma(left, right, sums) };  stores
//     others:     for x... { for columns by vectors { as written } }
//
// A product that hides some of its steps is written twice: with its masks, and without for where nothing is hidden.
#pragma once

#include <vector>

#include "strata/compiler/loop/schedule_kinds.h"

namespace strata::compiler {

/// E0317 when a product's sides have no vector form.
std::vector<ir::loops::StmtPtr> write_matrix_program(const Nest& nest, const MatrixSchedule& schedule,
                                                     ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
