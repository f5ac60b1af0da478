// Kernels that are equal but for the numbers in them become one kernel that is given the numbers: a program of
// thousands of them (results x * 1, x * 2, ...; steps with a constant each) compiles one. A number stays in its kernel
// where it may decide how something rounds (free_numbers.h), and where there are few such kernels: a number that is
// known is an operand less to read.
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> lift_numbers(const ir::Graph& graph);

}  // namespace strata::compiler
