// The value of a dimension polynomial as data: divisors of means, lengths, offsets.
#pragma once

#include "strata/ops/operands/axes.h"

namespace strata::ops {

extern const Op kDimension;

/// The run-time value of `d`, an i64 scalar.
Value dimension(Graph& graph, Dim d);

}  // namespace strata::ops
