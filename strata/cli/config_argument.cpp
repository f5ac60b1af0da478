#include "strata/cli/config_argument.h"

#include <CLI/CLI.hpp>

namespace strata::cli {

void add_overrides(CLI::App& app, std::vector<std::string>& overrides, const std::string& help) {
  app.add_option("--set", overrides, help)->take_all()->allow_extra_args(false);
}

void add_config(CLI::App& app, ConfigArgument& config, const std::string& help) {
  app.add_option("CONFIG", config.path, help)->required();
  add_overrides(app, config.overrides);
}

}  // namespace strata::cli
