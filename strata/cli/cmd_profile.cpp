// strata profile CONFIG|RUN: a trace of training steps with a span for each command, for ui.perfetto.dev.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/trace/span.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/output_files.h"
#include "strata/train/open_task.h"

namespace strata::cli {

Run declare_profile(CommandLine& line) {
  struct Options {
    ConfigArgument config;
    std::string out = "trace.json";
    int64_t steps = 5;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  add_config(line, options->config);
  line.add_option("--steps", options->steps, "traced steps, behind one that compiles").between(1, 100000);
  line.add_option("--out", options->out, "the trace: open it in ui.perfetto.dev or chrome://tracing");
  line.add_flag("--json", options->json, "what was written as JSON");
  return [options] {
    refuse_overwriting(std::vector<NamedFile>{{"--out", options->out}},
                       std::vector<NamedFile>{{"CONFIG", options->config.path}});
    const train::OpenedTask opened = train::open_task(options->config.path, options->config.overrides);
    const double rate = opened.config->float_at("optim.learning_rate");
    opened.task->step(rate);
    base::TraceFile trace(options->out);
    const int64_t begin_ns = base::trace_now_ns();
    for (int64_t i = 0; i < options->steps; ++i) {
      base::Span span("step", "train");
      span.note("step", i);
      opened.task->step(rate);
    }
    const double milliseconds =
        static_cast<double>(base::trace_now_ns() - begin_ns) / 1e6 / static_cast<double>(options->steps);
    trace.write();
    base::write_human_line(fmt::format("{:.2f} ms a step; trace: {}", milliseconds, options->out));
    if (options->json)
      print_out(base::Json::object()
                    .set("file", options->out)
                    .set("steps", options->steps)
                    .set("milliseconds_per_step", milliseconds)
                    .dump() +
                "\n");
    return 0;
  };
}

}  // namespace strata::cli
