// What a compiled program has to do: operations, bytes, memory.
#pragma once

#include "strata/compiler/plan/memory_budget.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {

/// Operations of the dots and convolutions of a program's graph, a multiply-add counting two; `batch` stands for its
/// symbolic dimensions.
double matrix_flops(const runtime::Executable& program, int64_t batch);
/// Operations of all its kernels.
double all_flops(const runtime::Executable& program, int64_t batch);
/// Bytes of its arguments and results: what any program that does this work has to move.
double least_bytes(const runtime::Executable& program, int64_t batch);

/// What the plan needs of memory when its symbolic dimensions are `batch`.
runtime::MemoryUse memory_use(const runtime::Executable& program, int64_t batch);
/// What a run of it takes then, whatever budget it keeps.
compiler::MemoryPeak memory_peak(const runtime::Executable& program, int64_t batch);

}  // namespace strata::bench
