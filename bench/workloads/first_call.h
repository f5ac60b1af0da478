// What a user waits for at the first call of a training step, apart from the step itself.
#pragma once

#include <algorithm>
#include <cmath>

#include "bench/harness/contest.h"
#include "strata/base/json/json.h"
#include "strata/runtime/execute/buffer_pool.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::bench {

/// Of a step that was never called, in a fresh process. Whether the disk cache has the program is up to STRATA_CACHE.
///   seconds             from the first call to a program that runs: recording, derivative, passes and machine code.
///   The
///                       first call less a later one that runs in new memory, too
///   new_memory_seconds  what new memory costs a call, which the system clears page by page
template <class Step>
base::Json measure_first_call(Step& step) {
  constexpr int kLaterCalls = 3;
  const double first = wall_seconds([&] { step(); });
  double known = INFINITY, fresh = INFINITY;
  for (int i = 0; i < kLaterCalls; ++i) {
    known = std::min(known, wall_seconds([&] { step(); }));
    runtime::trim_idle_contexts();
    runtime::release_idle_memory();
    fresh = std::min(fresh, wall_seconds([&] { step(); }));
  }
  const auto program = step.program();
  return base::Json::object()
      .set("seconds", first - fresh)
      .set("new_memory_seconds", fresh - known)
      .set("commands", std::ssize(program->plan().commands))
      .set("kernels", std::ssize(program->plan().kernels));
}

}  // namespace strata::bench
