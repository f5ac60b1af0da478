// Folding of one op on constant lanes. Floats are folded only by Cast and Bitcast: their arithmetic is left to run
// time.
#pragma once

#include <optional>

#include "strata/ir/loops/expr.h"

namespace strata::ir::loops {

/// A value in the bit pattern of `type`, converted as by Cast.
uint64_t bits_of_double(DType type, double value);
uint64_t bits_of_int(DType type, int64_t value);
/// An integer or bool pattern as i64 (u64 wraps).
int64_t int_of_bits(DType type, uint64_t bits);

/// Nothing if the op is not folded on `type` or could round, or if the result of a cast is NaN (its payload is free).
std::optional<uint64_t> fold_unary(ExprOp op, DType type, uint64_t a);
std::optional<uint64_t> fold_binary(ExprOp op, DType type, uint64_t a, uint64_t b);
std::optional<uint64_t> fold_cast(DType to, DType from, uint64_t a);

}  // namespace strata::ir::loops
