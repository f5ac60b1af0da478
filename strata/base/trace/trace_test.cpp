#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/trace/log.h"
#include "strata/base/trace/span.h"

namespace strata::base {
namespace {

std::vector<Json> events_of_phase(const std::string& text, const char* phase) {
  const Json trace = parse_json(text, "trace").value();
  std::vector<Json> found;
  for (const Json& event : trace.at("traceEvents").items())
    if (event.at("ph").as_string() == phase) found.push_back(event);
  return found;
}

TEST(Span, RecordsNestedSpansWithNotesOfEachThread) {
  set_thread_name("main");
  start_tracing();
  {
    Span outer("outer", "test");
    Span inner(trace_name("inner \"1\""), "test");
    inner.note("bytes", 42);
    std::thread([] {
      set_thread_name("loader");
      Span span("load");
    }).join();
  }
  stop_tracing();
  {
    Span ignored("after the end");
  }
  const std::string text = trace_json();
  const auto spans = events_of_phase(text, "X");
  ASSERT_EQ(spans.size(), 3u) << text;
  const auto named = [&](std::string_view name) -> const Json& {
    return *std::find_if(spans.begin(), spans.end(), [&](const Json& s) { return s.at("name").as_string() == name; });
  };
  const Json &inner = named("inner \"1\""), &outer = named("outer"), &load = named("load");
  EXPECT_EQ(inner.at("args").at("bytes").as_int(), 42);
  EXPECT_LE(outer.at("ts").as_double(), inner.at("ts").as_double());
  EXPECT_GE(outer.at("dur").as_double(), inner.at("dur").as_double());
  EXPECT_EQ(outer.at("tid"), inner.at("tid"));
  EXPECT_NE(outer.at("tid"), load.at("tid"));
  EXPECT_NE(text.find(R"("args":{"name":"loader"})"), std::string::npos);
  EXPECT_NE(text.find(R"("args":{"name":"main"})"), std::string::npos);
}

TEST(Span, StartDropsWhatWasRecordedBefore) {
  start_tracing();
  {
    Span span("old");
  }
  start_tracing();
  stop_tracing();
  EXPECT_TRUE(events_of_phase(trace_json(), "X").empty());
}

TEST(Span, ThreadsMayRecordWhileTheTraceIsRead) {
  start_tracing();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000 && !stop; ++i) Span span("work");
    });
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(parse_json(trace_json(), "trace").ok());
  stop = true;
  for (auto& thread : threads) thread.join();
  stop_tracing();
}

TEST(TraceFile, WritesAtTheEndOfItsScopeAndRefusesBadPathsAtOnce) {
  TempFolder folder("trace");
  {
    TraceFile trace(folder / "t.json");
    Span span("work");
  }
  EXPECT_FALSE(tracing());
  EXPECT_EQ(events_of_phase(read_text(folder / "t.json").value(), "X").size(), 1u);
  EXPECT_THROW(TraceFile("/no/such/folder/t.json"), Error);
  EXPECT_FALSE(tracing());
  TraceFile nothing("");
  EXPECT_FALSE(tracing());
}

TEST(Log, FormatsOnlyWhatIsEnabled) {
  set_log_level(LogLevel::Info);
  testing::internal::CaptureStderr();
  log_debug("hidden {}", 1);
  log_info("shown {}", 2);
  log_error("braces {{}} {}", "{}");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find("info: shown 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("error: braces {} {}\n"), std::string::npos) << text;
  set_log_level(LogLevel::Off);
  EXPECT_FALSE(log_enabled(LogLevel::Error));
  set_log_level(LogLevel::Warn);
}

TEST(Log, LevelComesFromTheEnvironmentAndASlipIsToldOnce) {
  ::setenv("STRATA_LOG", "debug", 1);
  log_detail::threshold = -1;
  EXPECT_TRUE(log_enabled(LogLevel::Debug));
  EXPECT_FALSE(log_enabled(LogLevel::Trace));
  ::setenv("STRATA_LOG", "debgu", 1);
  log_detail::threshold = -1;
  testing::internal::CaptureStderr();
  EXPECT_FALSE(log_enabled(LogLevel::Info));
  EXPECT_TRUE(log_enabled(LogLevel::Warn));
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("found debgu"), std::string::npos) << text;
  ::unsetenv("STRATA_LOG");
  set_log_level(LogLevel::Warn);
}

}  // namespace
}  // namespace strata::base
