#include "strata/cli/config_argument.h"

namespace strata::cli {

void add_overrides(CommandLine& line, std::vector<std::string>& overrides, const std::string& help) {
  line.add_option("--set", overrides, help).repeatable();
}

void add_config(CommandLine& line, ConfigArgument& config, const std::string& help) {
  line.add_option("CONFIG", config.path, help).required();
  add_overrides(line, config.overrides);
}

}  // namespace strata::cli
