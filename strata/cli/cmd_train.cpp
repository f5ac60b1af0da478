// strata train CONFIG: trains in a run folder, to the end or on from its checkpoint.
#include <fmt/format.h>

#include <memory>

#include "strata/base/bytes/files.h"
#include "strata/base/terminal/screen.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/stop_signal.h"
#include "strata/train/open_task.h"
#include "strata/train/trainer.h"

namespace strata::cli {
namespace {

struct Options {
  ConfigArgument config;
  std::string out;
  bool resume = false, replace = false, json = false;
};

int run(const Options& options) {
  const auto config = train::open_config(options.config.path, options.config.overrides);
  const bool is_run = base::is_folder(options.config.path);
  const std::string path = !options.out.empty() ? options.out
                           : is_run             ? options.config.path
                                                : "runs/" + config->string_at("run.name");
  const train::Start start = options.resume    ? train::Start::Resume
                             : options.replace ? train::Start::Replace
                                               : train::Start::Fresh;
  const train::RunFolder folder(path, start);
  const StopSignal signal;
  const train::TrainingResult result = train::train(*config, folder, start, [&] { return signal.has_come(); });
  std::string line = fmt::format("{} steps in {:.1f} s", result.steps, result.seconds);
  for (const train::Measure& m : result.measures) line += fmt::format("  {} {:.4f}", m.name, m.value);
  base::write_human_line(line);
  base::write_human_line("report: " + folder.file("report.html"));
  if (options.json) print_out(base::read_text(folder.file("summary.json")).value());
  return 0;
}

}  // namespace

Run declare_train(CommandLine& line) {
  auto options = std::make_shared<Options>();
  add_config(line, options->config, "TOML file (strata config lists the keys), or a run folder");
  line.add_option("--out", options->out, "run folder; runs/<run.name> if left out");
  const OptionRules resume = line.add_flag("--resume", options->resume, "go on from the run folder's checkpoint");
  line.add_flag("--replace", options->replace, "overwrite the run in the folder").excludes(resume);
  line.add_flag("--json", options->json, "the summary as JSON on stdout");
  line.footer(
      "Progress shows \"of peak\": the dots and convolutions of a step, forward and backward, as a share of the f32 "
      "multiply-adds that all threads reach on this machine, measured once. What a model does besides is not counted.");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
