// Messages for the people who run or debug Strata, on stderr, above a progress bar if one stands there. Quiet by
// default: warnings and errors only; STRATA_LOG=trace|debug|info|warn|error|off says otherwise. A message below the
// level costs one relaxed load; its arguments are not formatted.
//
//   log_debug("compiled {} kernels in {} ms", count, ms);
//
// What a command has to say to its user is not a log message: print it.
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <string_view>

namespace strata::base {

enum class LogLevel { Trace, Debug, Info, Warn, Error, Off };

namespace log_detail {
inline constinit std::atomic<int> threshold{-1};  ///< a LogLevel; -1 until STRATA_LOG has been read
int read_threshold();
void write(LogLevel level, fmt::string_view format, fmt::format_args args);
}  // namespace log_detail

inline bool log_enabled(LogLevel level) {
  int threshold = log_detail::threshold.load(std::memory_order_relaxed);
  if (threshold < 0) threshold = log_detail::read_threshold();
  return static_cast<int>(level) >= threshold;
}

/// Overrides STRATA_LOG (a --verbose flag, tests).
void set_log_level(LogLevel level);

template <class... Args>
void log_message(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_detail::write(level, format, fmt::make_format_args(args...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::Debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::Info, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::Warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_message(LogLevel::Error, format, std::forward<Args>(args)...);
}

}  // namespace strata::base
