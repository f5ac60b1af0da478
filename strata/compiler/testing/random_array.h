// Arrays of made-up numbers for tests that run whole programs.
#pragma once

#include <random>
#include <vector>

#include "strata/ir/host_array.h"

namespace strata::compiler {

/// f32 numbers from -1 to below 1 in steps of 0.002, the same for the same seed.
inline ir::HostArray random_array(std::vector<int64_t> shape, uint32_t seed) {
  std::mt19937 bits(seed);
  ir::HostArray a(ir::DType::f32, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, static_cast<double>(bits() % 1000) / 500.0 - 1);
  return a;
}

}  // namespace strata::compiler
