// The op table: every op that a program may hold.
#pragma once

#include <span>

#include "strata/ir/graph/op.h"

namespace strata::ops {

/// All blocks, one line each in list.cpp, grouped by family.
std::span<const ir::Op* const> all_ops();

/// The same, by name: for the parsers, the verifier and the interpreter.
const ir::OpTable& op_table();

}  // namespace strata::ops
