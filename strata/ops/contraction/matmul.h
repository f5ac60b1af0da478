// matmul into a dtype of its own: sums of integers that are wider than their factors.
#pragma once

#include "strata/ops/operands/handle.h"

namespace strata::ops {

/// matmul (dot.h) whose sums are of dtype `result`: i32 of u8 or i8 by u8 or i8, which is exact as long as the sum
/// fits.
Value matmul_into(DType result, Value lhs, Value rhs);

}  // namespace strata::ops
