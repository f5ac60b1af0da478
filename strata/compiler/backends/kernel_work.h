// How much work a kernel is: operations and bytes, counted from its text. For the null backend, for profiles (GF/s,
// share of peak) and for cost models.
#pragma once

#include <cstdint>
#include <span>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Counts of scalar operations: a vector op counts once per lane, an fma twice. Moves, casts and index arithmetic (i64)
/// count nothing. Bytes are those of loads and stores as written, before any cache.
struct KernelWork {
  int64_t operations = 0;
  int64_t bytes_loaded = 0;
  int64_t bytes_stored = 0;

  KernelWork& operator+=(const KernelWork& other);
  KernelWork operator*(int64_t times) const;
  bool operator==(const KernelWork&) const = default;
};

/// The whole kernel, all tasks, for these dimensions. Bounds that depend on outer loop variables are taken at their
/// first iteration, both branches of an If are counted, and a While or a bound that depends on data counts as one
/// iteration.
KernelWork count_work(const ir::loops::Kernel& kernel, std::span<const int64_t> dims);

}  // namespace strata::compiler
