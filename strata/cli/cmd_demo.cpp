// strata demo: trains the models of the demo and prints a closing table.
#include <memory>

#include "strata/base/bytes/files.h"
#include "strata/base/terminal/screen.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/stop_signal.h"
#include "strata/train/demo.h"

namespace strata::cli {

Run declare_demo(CommandLine& line) {
  struct Options {
    train::DemoOptions demo;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  line.add_option("--configs", options->demo.configs, "folder of demo.toml, which names its parts, and of these");
  line.add_option("--out", options->demo.out, "folder of the run folders and of summary.json");
  add_overrides(line, options->demo.overrides, "PART.key=value: replaces what the part's file says");
  line.add_flag("--replace", options->demo.replaces, "overwrite the runs in the folders");
  line.add_flag("--json", options->json, "the summary as JSON on stdout");
  return [options] {
    const StopSignal signal;
    options->demo.is_to_stop = [&] { return signal.has_come(); };
    const train::DemoResult result = train::run_demo(options->demo);
    for (const train::DemoPart& part : result.parts)
      if (!part.sample.empty()) base::write_human_line("\n" + part.title + " writes:\n\n" + part.sample + "\n");
    base::write_human_line(train::demo_table(result));
    for (const train::DemoPart& part : result.parts)
      base::write_human_line("report: " + options->demo.out + "/" + part.name + "/report.html");
    if (options->json) print_out(base::read_text(result.summary_path).value());
    return 0;
  };
}

}  // namespace strata::cli
