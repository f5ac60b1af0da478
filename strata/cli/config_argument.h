// CONFIG and --set of the commands that read a configuration.
#pragma once

#include <string>
#include <vector>

#include "strata/cli/command_line.h"

namespace strata::cli {

struct ConfigArgument {
  std::string path;  ///< of a TOML file or run folder
  std::vector<std::string> overrides;
};

/// Adds `--set key=value`, which may be given several times.
void add_overrides(CommandLine& line, std::vector<std::string>& overrides,
                   const std::string& help = "key=value: replaces what the file says");

/// Adds CONFIG, which is required, and --set.
void add_config(CommandLine& line, ConfigArgument& config, const std::string& help = "TOML file or run folder");

}  // namespace strata::cli
