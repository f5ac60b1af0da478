// In what two recordings of one function differ: for check mode, which finds functions that depend on something that is
// neither an argument nor a captured tensor. Most often it is a number of the host, which became a constant.
#pragma once

#include <string>

#include "strata/ir/graph/graph.h"

namespace strata::jit_detail {

/// "the constant 1 recorded at train.cpp:31 is 2 now"; empty if the recordings have the same nodes.
std::string first_difference(const ir::Graph& before, const ir::Graph& now);

}  // namespace strata::jit_detail
