// Chooses the rewrites of a naive loop program for an instruction set: tiles, packing, register tiles, vectors, tasks.
// Every rewrite keeps the bits; the result is again a loop program that prints, verifies and runs in the interpreter.
#pragma once

#include <string>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

/// What a nest is known by: the structural hash of its naive kernel, which no name is part of. The same loops in
/// another program are the same nest.
base::Hash128 nest_key(const ir::loops::Kernel& naive);

/// What a caller may choose; tests do, to reach every tail with small sizes. The bits of results stay the same.
struct ScheduleOptions {
  std::string rewrites;  ///< the schedule as text (schedule_kinds.h) instead of the one that would be chosen
  std::string where;     ///< where that text stands, for messages; empty: the caller's own
  /// Rewrites that don't fit are noted, and the heuristic chooses. Else, and in strict mode, they are an error.
  bool is_advice = false;
  uint64_t variation = 0;  ///< see choose/variation.h
  /// An internal error of a rewrite is thrown. Else the kernel stays as written, and the error is its note: a slow
  /// program is better than none, but only where nobody asked to be told.
  bool is_strict = false;
};

/// What became of a kernel, for `strata explain`.
struct ScheduleReport {
  std::vector<std::string> lines;  ///< the rewrites, with remarks as comments: text that can be given back
  std::string source;              ///< "heuristic", "given", or where the text stands that was taken
  std::string refusal;             ///< why the kernel was left as written; empty: it was scheduled
  std::string misfit;              ///< why the given rewrites were not taken; empty: they were, or there are none
};

/// The result is verified. E0316 and E0317, with the nest and the text, when the given rewrites are no schedule of this
/// kernel.
ir::loops::Kernel schedule(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors,
                           ScheduleReport* report = nullptr, const ScheduleOptions& options = {});

}  // namespace strata::compiler
