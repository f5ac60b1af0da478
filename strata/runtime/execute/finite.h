// Looking for NaN and infinity in memory: what a run commits is looked at before it is committed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strata/ir/dtype.h"

namespace strata::runtime {

/// The first of `elements` numbers that is not finite; -1 when all are. Integers always are. Large memory is read by
/// all threads.
int64_t first_not_finite(const std::byte* data, ir::DType dtype, int64_t elements);

}  // namespace strata::runtime
