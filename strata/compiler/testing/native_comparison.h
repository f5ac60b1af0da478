// For tests: runs a kernel by the loop interpreter and as native code of every level that the host has, on the same
// special values, and compares all buffers bit for bit; any NaN equals any other (strata/ir/loops/interpret.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/ir/dtype.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// The bit patterns worth trying of a dtype: zeros, ones, denormals, limits, infinities, NaN, ties of the half formats.
std::vector<uint64_t> special_bits(ir::DType dtype);

/// Compiles `kernels` for every level into one object each and compares each kernel with the interpreter. Returns the
/// first difference, or an empty text. Levels that the host can't run are compiled and counted in `compiled_not_run`.
std::string compare_with_interpreter(const std::vector<const ir::loops::Kernel*>& kernels,
                                     const std::vector<int64_t>& dims, uint64_t seed, int* compiled_not_run = nullptr);

}  // namespace strata::compiler
