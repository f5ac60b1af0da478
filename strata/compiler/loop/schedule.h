// Chooses the rewrites of a naive loop program for an instruction set: tiles, packing, register tiles, vectors, tasks.
// Every rewrite keeps the bits; the result is again a loop program that prints, verifies and runs in the interpreter.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/tiling.h"
#include "strata/ir/loops/kernel.h"
#include "strata/runtime/machine/isa_level.h"

namespace strata::compiler {

/// What a caller may choose; tests do, to reach every tail with small sizes. The bits of results stay the same.
struct ScheduleOptions {
  std::optional<Tiling> tiling;  ///< of contractions; lanes as given
  uint64_t variation = 0;        ///< see variation.h
  /// An internal error of a rewrite is thrown. Else the kernel stays as written, and the error is its note: a slow
  /// program is better than none, but only where nobody asked to be told.
  bool is_strict = false;
};

/// `notes`, if given, gets one line per rewrite that was applied or refused, for `strata explain`.
ir::loops::Kernel schedule(const ir::loops::Kernel& naive, runtime::IsaLevel level,
                           std::vector<std::string>* notes = nullptr, const ScheduleOptions& options = {});

}  // namespace strata::compiler
