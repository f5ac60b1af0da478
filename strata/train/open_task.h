// A task from what a user names: a run folder or a configuration file.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "strata/base/config/config.h"
#include "strata/train/task.h"

namespace strata::train {

struct OpenedTask {
  std::unique_ptr<base::Config> config;  ///< stays where it is: the task refers to it
  std::unique_ptr<Task> task;
  std::string run_path;  ///< the run folder; empty for a configuration file
  int64_t step = 0;      ///< of the checkpoint
};

/// The checked configuration of a run folder (its config.toml) or of a TOML file. Throws E0001, E0006 to E0009.
std::unique_ptr<base::Config> open_config(const std::string& path, std::span<const std::string> overrides = {});

/// A run folder gives the model of its checkpoint (E0702 when there is none), a TOML file one with fresh parameters.
OpenedTask open_task(const std::string& path, std::span<const std::string> overrides = {});

}  // namespace strata::train
