// Spans of time for Perfetto (ui.perfetto.dev) or chrome://tracing. Each thread records into a buffer of its own.
// Off, a span costs one relaxed load; on, two readings of the clock and an uncontended lock.
//
//   TraceFile trace("run.trace.json");                  // on until the end of the scope, then written
//   { Span span("compile", "compiler"); ... }
//
// Names are string literals, or come from trace_name(), which keeps each different text once.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::base {

namespace trace_detail {
inline constinit std::atomic<bool> on{false};
}

inline bool tracing() { return trace_detail::on.load(std::memory_order_relaxed); }

/// Nanoseconds of a monotonic clock since the first call in this process.
int64_t trace_now_ns();

/// A name that lives as long as the process, for names made at run time. Takes a lock: only call it when tracing().
const char* trace_name(std::string_view text);

/// Records a span that was timed elsewhere, on the calling thread. `key` (may be nullptr) and `value` show as its
/// argument.
void record_span(const char* name, const char* category, int64_t begin_ns, int64_t end_ns, const char* key = nullptr,
                 int64_t value = 0);

/// Records the time from its construction to its end.
class Span {
 public:
  explicit Span(const char* name, const char* category = "strata") {
    if (!tracing()) return;
    name_ = name;
    category_ = category;
    begin_ns_ = trace_now_ns();
  }
  ~Span() {
    if (name_ != nullptr) record_span(name_, category_, begin_ns_, trace_now_ns(), key_, value_);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  /// One number that the viewer shows with the span: bytes, flops, a step.
  Span& note(const char* key, int64_t value) {
    key_ = key;
    value_ = value;
    return *this;
  }

 private:
  const char* name_ = nullptr;  ///< nullptr while tracing is off
  const char* category_ = nullptr;
  const char* key_ = nullptr;
  int64_t begin_ns_ = 0, value_ = 0;
};

/// How the calling thread is called in traces (and by the system, up to 15 bytes).
void set_thread_name(std::string_view name);

/// Drops what was recorded and begins to record.
void start_tracing();
void stop_tracing();
/// All spans recorded since start_tracing(), as Chrome trace JSON. A thread keeps its first million spans; the rest is
/// counted in the event "spans dropped".
std::string trace_json();

/// Traces the rest of the process into the file that STRATA_TRACE names, if it does; from the first call on.
void trace_as_environment_asks();

/// Traces a scope into a file.
class TraceFile {
 public:
  /// Throws E0002 when the file can't be written; an empty path traces nothing.
  explicit TraceFile(std::string path);
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  /// Writes the file unless write() did; a failure is logged.
  ~TraceFile();

  /// Stops and writes. Throws E0002.
  void write();

 private:
  std::string path_;  ///< empty: nothing left to write
};

}  // namespace strata::base
