#include "strata/base/trace/span.h"

#include <fmt/format.h>
#include <pthread.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/trace/log.h"

namespace strata::base {
namespace {

constexpr size_t kSpansOfAThread = 1'000'000;

struct Event {
  const char* name;
  const char* category;
  const char* key;
  int64_t begin_ns, end_ns, value;
};

/// The spans of one thread. The thread writes, trace_json() reads; both hold the lock, which is otherwise free.
struct Buffer {
  std::mutex mutex;
  std::string thread_name;
  std::vector<Event> events;
  size_t dropped = 0;
};

/// All buffers, also of threads that have ended, in the order in which their threads first recorded.
struct Recorder {
  std::mutex mutex;
  std::vector<std::shared_ptr<Buffer>> buffers;
  std::unordered_set<std::string> names;
};

Recorder& recorder() {
  static Recorder recorder;
  return recorder;
}

thread_local std::string thread_name;
thread_local std::shared_ptr<Buffer> own_buffer;

Buffer& buffer_of_this_thread() {
  if (!own_buffer) {
    own_buffer = std::make_shared<Buffer>();
    own_buffer->thread_name = thread_name;
    std::lock_guard lock(recorder().mutex);
    recorder().buffers.push_back(own_buffer);
  }
  return *own_buffer;
}

/// Times in the format are microseconds; the fraction keeps the nanoseconds.
std::string microseconds(int64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

void append_event(std::string& out, const Event& event, size_t thread) {
  out += fmt::format(R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":{},"cat":{})", thread,
                     microseconds(event.begin_ns), microseconds(event.end_ns - event.begin_ns), Json(event.name).dump(),
                     Json(event.category).dump());
  if (event.key != nullptr) out += fmt::format(R"(,"args":{{{}:{}}})", Json(event.key).dump(), event.value);
  out += "},\n";
}

void append_buffer(std::string& out, Buffer& buffer, size_t thread) {
  std::lock_guard lock(buffer.mutex);
  const std::string name = buffer.thread_name.empty() ? fmt::format("thread {}", thread) : buffer.thread_name;
  out += fmt::format(R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":{}}}}},)", thread,
                     Json(name).dump());
  out += "\n";
  for (const Event& event : buffer.events) append_event(out, event, thread);
  if (buffer.dropped > 0)
    append_event(out,
                 {"spans dropped", "trace", "count", buffer.events.back().end_ns, buffer.events.back().end_ns,
                  static_cast<int64_t>(buffer.dropped)},
                 thread);
}

}  // namespace

int64_t trace_now_ns() {
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point origin = Clock::now();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - origin).count();
}

const char* trace_name(std::string_view text) {
  std::lock_guard lock(recorder().mutex);
  return recorder().names.emplace(text).first->c_str();  // nodes of the set don't move
}

void record_span(const char* name, const char* category, int64_t begin_ns, int64_t end_ns, const char* key,
                 int64_t value) {
  Buffer& buffer = buffer_of_this_thread();
  std::lock_guard lock(buffer.mutex);
  if (buffer.events.size() >= kSpansOfAThread) {
    ++buffer.dropped;
    return;
  }
  buffer.events.push_back({name, category, key, begin_ns, end_ns, value});
}

void set_thread_name(std::string_view name) {
  thread_name = name;
  ::pthread_setname_np(::pthread_self(), thread_name.substr(0, 15).c_str());
  if (!own_buffer) return;
  std::lock_guard lock(own_buffer->mutex);
  own_buffer->thread_name = thread_name;
}

void start_tracing() {
  {
    std::lock_guard lock(recorder().mutex);
    // Buffers of threads that have ended are held by the recorder alone.
    std::erase_if(recorder().buffers, [](const auto& buffer) { return buffer.use_count() == 1; });
    for (auto& buffer : recorder().buffers) {
      std::lock_guard buffer_lock(buffer->mutex);
      buffer->events.clear();
      buffer->dropped = 0;
    }
  }
  trace_detail::on = true;
}

void stop_tracing() { trace_detail::on = false; }

std::string trace_json() {
  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  std::lock_guard lock(recorder().mutex);
  for (size_t thread = 0; thread < recorder().buffers.size(); ++thread)
    append_buffer(out, *recorder().buffers[thread], thread + 1);
  out += R"({"ph":"M","pid":1,"name":"process_name","args":{"name":"strata"}}]})";
  return out + "\n";
}

void trace_as_environment_asks() {
  static const TraceFile file(environment("STRATA_TRACE").value_or(""));  // written when the process ends
}

TraceFile::TraceFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  {
    AtomicFile probe(path_);
  }  // a path that can't be written is told before the work, not after it
  start_tracing();
}

TraceFile::~TraceFile() {
  try {
    write();
  } catch (const Error& error) {
    log_error("{}", error.message());
  }
}

void TraceFile::write() {
  if (path_.empty()) return;
  stop_tracing();
  const std::string path = std::exchange(path_, "");
  write_file(path, trace_json());
}

}  // namespace strata::base
