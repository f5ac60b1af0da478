// What the cost model is told of a scheduled kernel: numbers that are read off its loops, whatever schedule made them.
//
// Most are logarithms, log2(1 + x). Work is counted as backends/kernel_work.h counts it; how much memory a loop goes
// through is estimated by the loops that an index depends on, at most the buffer. The loops of the hottest statement
// (the most operations and bytes) are taken from the inside out.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler::tune {

/// The names of the features, in their order.
std::span<const std::string_view> feature_names();

/// One value for each name. `dims`: of the kernel's dimensions, in their order.
std::vector<float> features_of(const ir::loops::Kernel& scheduled, std::span<const int64_t> dims);

}  // namespace strata::compiler::tune
