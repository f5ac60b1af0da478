// strata demo: trains both models of the demo and prints a closing table.
#include <CLI/CLI.hpp>
#include <memory>

#include "strata/base/bytes/files.h"
#include "strata/base/terminal/screen.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/stop_signal.h"
#include "strata/train/demo.h"

namespace strata::cli {

Run declare_demo(CLI::App& app) {
  struct Options {
    train::DemoOptions demo;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  app.add_option("--configs", options->demo.configs, "folder of lenet.toml and gpt.toml");
  app.add_option("--out", options->demo.out, "folder of the two run folders and of summary.json");
  add_overrides(app, options->demo.overrides, "lenet.key=value or gpt.key=value: replaces what the file says");
  app.add_flag("--replace", options->demo.replaces, "overwrite the runs in the folders");
  app.add_flag("--json", options->json, "the summary as JSON on stdout");
  return [options] {
    const StopSignal signal;
    options->demo.is_to_stop = [&] { return signal.has_come(); };
    const train::DemoResult result = train::run_demo(options->demo);
    base::write_human_line("\nThe GPT writes:\n\n" + result.sample + "\n");
    base::write_human_line(train::demo_table(result));
    const std::string& out = options->demo.out;
    base::write_human_line("reports: " + out + "/lenet/report.html, " + out + "/gpt/report.html");
    if (options->json) print_out(base::read_text(result.summary_path).value());
    return 0;
  };
}

}  // namespace strata::cli
