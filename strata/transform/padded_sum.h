// The sum of very many values that are zero but for a block each: the cotangents of the slices of one value. As
// paddings that are added one by one it costs all of the value for each slice, and each padding is another kernel; here
// blocks that don't overlap are put side by side.
#pragma once

#include <span>

#include "strata/ir/graph/graph.h"

namespace strata::transform {

/// Whether the value is a literal 0, of either sign.
bool is_zero_number(ir::Value v);

/// Whether the value is a block with zeros around it, by extents that are numbers.
bool is_padded_block(ir::Value v);

/// Of padded blocks of one type. Where blocks are equal or overlap, their elements are added in the order of the list.
ir::Value sum_of_padded_blocks(std::span<const ir::Value> padded);

}  // namespace strata::transform
