#include "strata/tensor/capture/capture.h"

#include <fmt/format.h>

#include <cstdlib>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/terminal/counted.h"
#include "strata/base/trace/log.h"
#include "strata/tensor/capture/log.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/lazy/lazy_programs.h"
#include "strata/tensor/lazy/variant.h"

namespace strata {
namespace {

using base::counted;
using base::Json;

constexpr int64_t kVersion = 1;

std::string indented(std::string_view text, std::string_view by) {
  std::string result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    result += fmt::format("{}{}\n", by, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string at_line(const Json& json, std::string_view key) {
  const std::string& line = json.at(key).as_string();
  return line.empty() ? "" : " at " + line;
}

std::string text_of_function(const Json& f) {
  std::string text =
      fmt::format("  {}{}: {}, {} recorded", f.at("name").as_string(), at_line(f, "line"),
                  counted(f.at("calls").as_int(), "call"), counted(f.at("programs").as_int(), "program"));
  if (f.at("given_up").as_int() > 0) text += fmt::format(", {} given up for others", f.at("given_up").as_int());
  text += "\n";
  for (const Json& r : f.at("recordings").items())
    text += fmt::format("    because {}; recorded {}\n{}", r.at("reason").as_string(),
                        counted(r.at("times_recorded").as_int(), "time"),
                        indented(r.at("explanation").as_string(), "    "));
  return text;
}

std::string text_of_recording(const Json& r) {
  const std::string& lines = r.at("lines").as_string();
  std::string text =
      fmt::format("  {}, {}: came {}; ran compiled {}, op by op {}\n", counted(r.at("nodes").as_int(), "node"),
                  lines.empty() ? "no line" : lines, counted(r.at("seen").as_int(), "time"),
                  counted(r.at("compiled_runs").as_int(), "time"), counted(r.at("runs_op_by_op").as_int(), "time"));
  text += fmt::format("    {}{}\n", counted(r.at("compilations").as_int(), "compilation"),
                      r.at("is_compiling").as_bool() ? ", one under way" : "");
  for (const Json& reason : r.at("reasons").items()) text += fmt::format("    because {}\n", reason.as_string());
  for (const Json& program : r.at("programs").items())
    text += fmt::format("    a program for {}\n",
                        program.as_string().empty() ? "these sizes" : "any " + program.as_string());
  const std::string &refused = r.at("symbols_refused").as_string(), &failure = r.at("failure").as_string();
  if (!refused.empty()) text += fmt::format("    a program for each size, since one for all is refused: {}\n", refused);
  if (!failure.empty()) text += fmt::format("    can't be compiled: {}\n", failure);
  if (failure.empty() && r.at("is_given_up").as_bool())
    text += "    came in too many kinds: what is new of it is not compiled any more\n";
  return text;
}

std::string text_of_lines(const Json& lines) {
  std::string text;
  for (const Json& l : lines.items())
    text += fmt::format(
        "  {}: {}{}{}\n", counted(l.at("times").as_int(), "time"), l.at("what").as_string(), at_line(l, "line"),
        l.at("nodes").as_int() > 0 ? fmt::format(", {} in all", counted(l.at("nodes").as_int(), "node")) : "");
  return text.empty() ? "  none\n" : text;
}

}  // namespace

Json capture_json() {
  return Json::object()
      .set("strata_capture", kVersion)
      .set("compiled_programs_of_lazy_recordings", lazy::compiled_count())
      .set("lazy", lazy::programs_json())
      .set("log", capture::log_json());
}

std::string capture_text(const Json& capture) {
  if (!capture.find("strata_capture") || capture.at("strata_capture").as_int() != kVersion)
    throw base::Error(base::code::kWrongJsonValue, "a capture report is expected, as STRATA_CAPTURE writes it");
  const Json &lazy = capture.at("lazy"), &log = capture.at("log");
  std::string text = "jitted functions\n";
  for (const Json& f : log.at("functions").items()) text += text_of_function(f);
  if (log.at("functions").size() == 0) text += "  none\n";
  if (const int64_t beyond = log.at("functions_beyond").as_int(); beyond > 0)
    text += fmt::format("  and {} more\n", beyond);
  text += fmt::format("\nlazy recordings: {} programs compiled, {} of them for single ops of {} kinds\n",
                      capture.at("compiled_programs_of_lazy_recordings").as_int(),
                      lazy.at("compilations_of_single_ops").as_int(), lazy.at("kinds_of_single_ops").as_int());
  for (const Json& r : lazy.at("recordings").items()) text += text_of_recording(r);
  text += "\nwhy lazy recordings were run\n" + text_of_lines(log.at("flushes"));
  text += "\nwhat could not be recorded\n" + text_of_lines(log.at("refusals"));
  return text;
}

std::string capture_report() { return capture_text(capture_json()); }

void write_capture(const std::string& path) { base::write_file(path, capture_json().dump_pretty() + "\n"); }

namespace capture {
namespace {

/// A listed registry: the file that STRATA_CAPTURE names, and that it is written when the process ends.
class ReportAtEnd {
 public:
  explicit ReportAtEnd(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    {
      const base::AtomicFile probe(path_);
    }  // a path that can't be written is told before the work, not after it
    std::atexit([] { one().write(); });
  }
  static ReportAtEnd& one() {
    static auto* report = new ReportAtEnd(base::environment("STRATA_CAPTURE").value_or(""));
    return *report;
  }

 private:
  void write() const {
    try {
      write_capture(path_);
    } catch (const std::exception& error) {
      base::log_error("{}", error.what());
    }
  }
  const std::string path_;
};

}  // namespace

void report_as_environment_asks() { ReportAtEnd::one(); }

}  // namespace capture

}  // namespace strata
