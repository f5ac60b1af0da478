// For tests: a scheduled kernel against its naive form, in the loop interpreter and as native code, bit for bit.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/loops/kernel.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

enum class Run { InterpretOnly, InterpretAndNative };

/// Fills the buffers at random, runs the naive kernel in the interpreter, then `scheduled` in the interpreter and,
/// where the host can, natively. Returns the first difference, or an empty text. Any NaN equals any other. Indices that
/// a kernel loads are drawn from 0 and 1.
std::string compare_kernels(const ir::loops::Kernel& naive, const ir::loops::Kernel& scheduled,
                            const std::vector<int64_t>& dims, runtime::IsaLevel level, Run run, uint64_t seed = 1);

/// Schedules a kernel for every level and compares each; native at each level that the host has.
std::string compare_schedules(const ir::loops::Kernel& naive, const std::vector<int64_t>& dims,
                              Run run = Run::InterpretAndNative, uint64_t seed = 1);

/// The same for the text of a kernel.
std::string compare_schedules(const std::string& text, const std::vector<int64_t>& dims,
                              Run run = Run::InterpretAndNative, uint64_t seed = 1);

}  // namespace strata::compiler
