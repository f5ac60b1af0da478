// What a program spends its time on: a trace of its kernels for ui.perfetto.dev or chrome://tracing.
//
//   trace("step.trace.json", [&] { train_step(model, adam, x, y); });
//
// STRATA_TRACE=file in the environment traces a whole process, and STRATA_DUMP_PASSES=folder writes what each pass made
// of its programs (`strata env`).
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "strata/base/trace/span.h"

namespace strata {

/// Runs what this thread has recorded and nobody has looked at yet; nothing inside of a trace or a derivative.
void run_pending();

/// f(), with each compilation and each command that runs meanwhile written to the file at `path`; what f records runs
/// inside, too. Returns what f returns. E0002 when the file can't be written.
template <class F>
auto trace(const std::string& path, F&& f) {
  run_pending();  // what came before is not f's
  base::TraceFile file(path);
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    run_pending();
    file.write();
  } else {
    auto result = f();
    run_pending();
    file.write();
    return result;
  }
}

}  // namespace strata
