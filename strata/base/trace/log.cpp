#include "strata/base/trace/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/trace/log_setting.h"
#include "strata/base/trace/span.h"

namespace strata::base {
namespace {

constexpr const char* kLevelNames[] = {"trace", "debug", "info", "warn", "error", "off"};

/// What STRATA_LOG should have been.
std::string complaint(const std::string& found) {
  const std::vector<std::string> names(std::begin(kLevelNames), std::end(kLevelNames));
  std::string text = fmt::format("STRATA_LOG: expected {}, found {}", fmt::join(names, ", "), found);
  if (const auto near = nearest_name(found, names)) text += fmt::format("; did you mean {}?", *near);
  return text;
}

}  // namespace

namespace log_detail {

int read_threshold() {
  int level = static_cast<int>(LogLevel::Warn);
  const std::string text = environment("STRATA_LOG").value_or("");
  bool known = text.empty();
  for (int i = 0; !known && i < std::ssize(kLevelNames); ++i)
    if (std::string_view(kLevelNames[i]) == text) {
      level = i;
      known = true;
    }
  int expected = -1;  // two threads may read at once; the first one's store stands, and it alone warns
  if (!threshold.compare_exchange_strong(expected, level)) return expected;
  if (!known) log_warn("{}", complaint(text));
  return level;
}

void write(LogLevel level, fmt::string_view format, fmt::format_args args) {
  static const Screen screen = Screen::standard_error();
  constexpr Style kStyles[] = {Style::Dim, Style::Dim, Style::Cyan, Style::Yellow, Style::Red};
  const auto index = static_cast<size_t>(level);
  if (index >= std::size(kStyles)) return;
  const std::string name = styled(screen, kStyles[index], kLevelNames[index]);
  // The clock is that of spans, so that a line can be found in a trace.
  const double seconds = static_cast<double>(trace_now_ns()) * 1e-9;
  write_human_line(fmt::format("{:9.3f} {}: {}", seconds, name, fmt::vformat(format, args)));
}

}  // namespace log_detail

void require_log_setting() {
  const std::string text = environment("STRATA_LOG").value_or("");
  const bool is_level = std::ranges::any_of(kLevelNames, [&](std::string_view name) { return name == text; });
  if (!text.empty() && !is_level) throw Error(code::kAttributeValue, complaint(text));
}

void set_log_level(LogLevel level) { log_detail::threshold.store(static_cast<int>(level)); }

}  // namespace strata::base
