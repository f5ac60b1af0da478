// What dot and conv agree on: which dtypes their factors may have, and in which dtype their sums run.
#pragma once

#include "strata/ir/graph/op.h"

namespace strata::ops {

/// Of the elements: what an encoding decodes to.
ir::DType value_dtype(ir::Type t);

/// Operands of one dtype; or bytes with and without a sign into wider integers; or blocks that decode to floats beside
/// any floats. The result is of their kind. E0100.
void require_factors(const ir::Infer& i, ir::DType result);

/// Integers accumulate in the result's dtype (i8 into i32), half floats in f32.
ir::DType sum_dtype(ir::Type factor, ir::DType result);

}  // namespace strata::ops
