// strata eval RUN: measures a trained model on its validation and test data.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/train/open_task.h"

namespace strata::cli {
namespace {

struct Options {
  std::string run;
  std::vector<std::string> overrides;
  bool json = false;
};

int run(const Options& options) {
  const train::OpenedTask opened = train::open_task(options.run, options.overrides);
  std::vector<train::Measure> measures = opened.task->evaluate();
  for (const train::Measure& m : opened.task->test()) measures.push_back(m);
  base::Json json = base::Json::object().set("title", opened.task->title()).set("step", opened.step);
  base::Table table({{"measure"}, {"value", base::Align::Right}});
  for (const train::Measure& m : measures) {
    if (!std::isfinite(m.value))
      throw base::Error(base::code::kStepNotFinite, fmt::format("{} of the model is not finite", m.name))
          .hint("the training diverged: train again with a smaller optim.learning_rate");
    json.set(m.name, m.value);
    table.add({m.name, fmt::format("{:.4f}", m.value)});
  }
  print_out(options.json ? json.dump_pretty() + "\n" : table.text());
  return 0;
}

}  // namespace

Run declare_eval(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("RUN", options->run, "run folder of strata train").required();
  add_overrides(line, options->overrides, "key=value: replaces what the run's config.toml says");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
