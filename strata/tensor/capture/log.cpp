#include "strata/tensor/capture/log.h"

#include <array>
#include <map>
#include <tuple>

#include "strata/ir/graph/graph.h"

namespace strata::capture {
namespace {

/// Lines, functions and recordings of one function that are told apart.
constexpr size_t kMostLines = 1024, kMostFunctions = 256, kMostRecordings = 32;

constexpr std::array<const char*, 6> kReasons = {"a value was looked at",    "a print or a check ran",
                                                 "a size was counted",       "it had grown too long",
                                                 "the flush policy is Sync", "a trace began or ended"};

std::string line_of(ops::Source at) { return ir::Location{at.file, at.line, nullptr}.str(); }

struct Count {
  int64_t times = 0, nodes = 0;
};
using Line = std::tuple<const char*, const char*, uint32_t>;  // what, file, line

/// A listed registry: counts by line, and the functions.
struct Log {
  std::mutex lock;
  std::map<Line, Count> flushes, refusals;
  std::vector<std::shared_ptr<JitLog>> functions;
  int64_t functions_beyond = 0;
};
Log& all() {
  static auto* log = new Log;
  return *log;
}

void count(std::map<Line, Count>& table, const char* what, ops::Source at, size_t nodes) {
  Line line{what, at.file, at.line};
  if (table.size() >= kMostLines && !table.contains(line)) line = {what, nullptr, 0};
  Count& c = table[line];
  ++c.times;
  c.nodes += static_cast<int64_t>(nodes);
}

base::Json lines_json(const std::map<Line, Count>& table) {
  base::Json list = base::Json::array();
  for (const auto& [line, c] : table)
    list.push(base::Json::object()
                  .set("what", std::get<0>(line))
                  .set("line", line_of({std::get<1>(line), std::get<2>(line)}))
                  .set("times", c.times)
                  .set("nodes", c.nodes));
  return list;
}

}  // namespace

void note_flush(Reason reason, ops::Source at, size_t nodes) {
  report_as_environment_asks();
  const std::lock_guard hold(all().lock);
  count(all().flushes, kReasons[static_cast<size_t>(reason)], at, nodes);
}

void note_refusal(const char* what, ops::Source at) {
  const std::lock_guard hold(all().lock);
  count(all().refusals, what, at, 0);
}

void JitLog::note_recording(std::string reason, std::string explanation, size_t attempts) {
  const std::lock_guard hold(lock_);
  ++recorded_;
  if (recordings_.size() < kMostRecordings)
    recordings_.push_back({std::move(reason), std::move(explanation), attempts});
}

void JitLog::note_eviction() {
  const std::lock_guard hold(lock_);
  ++evicted_;
}

base::Json JitLog::json() const {
  const std::lock_guard hold(lock_);
  base::Json list = base::Json::array();
  for (const Recording& r : recordings_)
    list.push(base::Json::object()
                  .set("reason", r.reason)
                  .set("explanation", r.explanation)
                  .set("times_recorded", r.attempts));
  return base::Json::object()
      .set("name", name_)
      .set("line", line_of(at_))
      .set("calls", calls_.load())
      .set("programs", recorded_)
      .set("given_up", evicted_)
      .set("recordings", std::move(list));
}

std::shared_ptr<JitLog> open_jit_log(std::string name, ops::Source at) {
  report_as_environment_asks();
  auto log = std::make_shared<JitLog>(std::move(name), at);
  const std::lock_guard hold(all().lock);
  if (all().functions.size() < kMostFunctions)
    all().functions.push_back(log);
  else
    ++all().functions_beyond;
  return log;
}

base::Json log_json() {
  const std::lock_guard hold(all().lock);
  base::Json functions = base::Json::array();
  for (const auto& f : all().functions) functions.push(f->json());
  return base::Json::object()
      .set("flushes", lines_json(all().flushes))
      .set("refusals", lines_json(all().refusals))
      .set("functions", std::move(functions))
      .set("functions_beyond", all().functions_beyond);
}

}  // namespace strata::capture
