// What recordings tell of themselves while a program runs, for capture_report(): why lazy recordings were run, which
// functions jit recorded and why again, what was refused. Counted by source line, in bounded tables. An entry costs a
// lock and a look-up, beside a run of a program.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/ops/operands/handle.h"

namespace strata::capture {

/// Why a lazy recording is run.
enum class Reason : uint8_t {
  Look,    ///< at a value
  Effect,  ///< a print or a check, which runs where it stands
  Count,   ///< a size that is data
  Limit,   ///< it has grown too long
  Policy,  ///< FlushPolicy::Sync
  Trace,   ///< trace() and run_pending() begin or end
};

void note_flush(Reason reason, ops::Source at, size_t nodes);
/// That something can't be recorded, of which the caller is told by an error.
void note_refusal(const char* what, ops::Source at);

/// What a jitted function tells. Its owner fills it in; safe for threads.
class JitLog {
 public:
  JitLog(std::string name, ops::Source at) : name_(std::move(name)), at_(at) {}
  void note_call() { calls_.fetch_add(1, std::memory_order_relaxed); }
  /// A program has been recorded, `attempts` times until it fitted all sizes that it could.
  void note_recording(std::string reason, std::string explanation, size_t attempts);
  void note_eviction();
  base::Json json() const;

 private:
  struct Recording {
    std::string reason, explanation;
    size_t attempts;
  };
  const std::string name_;
  const ops::Source at_;
  std::atomic<int64_t> calls_{0};
  mutable std::mutex lock_;
  std::vector<Recording> recordings_;  ///< the first ones
  int64_t recorded_ = 0, evicted_ = 0;
};
/// One that the report will show; functions beyond a limit are counted only.
std::shared_ptr<JitLog> open_jit_log(std::string name, ops::Source at);

/// Begins the report that STRATA_CAPTURE names, which is written at the end of the process. E0002 where that file
/// can't be written. What is noted calls it.
void report_as_environment_asks();

/// All of it.
base::Json log_json();

}  // namespace strata::capture
