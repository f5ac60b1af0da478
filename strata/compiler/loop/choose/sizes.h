// What every choice of tiles asks: how long an extent is, and what fits the registers.
#pragma once

#include <algorithm>

#include "strata/compiler/loop/tiling.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// A symbolic extent is taken to be large.
constexpr int64_t kUnknownExtent = 1 << 20;

inline int64_t expected_extent(ir::Dim extent) {
  return extent.is_constant() ? std::max<int64_t>(1, extent.constant()) : kUnknownExtent;
}
inline int64_t expected_extent(const LoopGroup& group) { return expected_extent(group.extent()); }

/// Whether the accumulators, a row of the column operand and a broadcast fit the vector registers.
inline bool fits_registers(int64_t rows, int64_t tile_vectors, const machine::VectorUnit& vectors) {
  const int64_t broadcast = tile_vectors == 1 ? 0 : 1;  // one product alone reads the element from memory
  return rows * tile_vectors + tile_vectors + broadcast + 1 <= vectors.registers;
}

}  // namespace strata::compiler
