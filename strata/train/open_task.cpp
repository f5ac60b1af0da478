#include "strata/train/open_task.h"

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/train/config/config_rules.h"
#include "strata/train/config/schema.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {

std::unique_ptr<base::Config> open_config(const std::string& path, std::span<const std::string> overrides) {
  if (path.empty())
    throw base::Error(base::code::kUnreadableFile, "no configuration file is named");  // elsewhere: all defaults
  const std::string file = base::is_folder(path) ? path + "/config.toml" : path;
  auto config = std::make_unique<base::Config>(base::load_config(training_schema(), file, overrides));
  check_rules(*config);
  return config;
}

OpenedTask open_task(const std::string& path, std::span<const std::string> overrides) {
  OpenedTask opened{.config = open_config(path, overrides)};
  opened.task = make_task(*opened.config);
  if (!base::is_folder(path)) return opened;
  opened.run_path = path;
  const std::string checkpoint = path + "/checkpoint.safetensors";
  if (!base::is_file(checkpoint))
    throw base::Error(base::code::kNoCheckpoint, "run folder " + path + " has no checkpoint.safetensors");
  const Snapshot snapshot = load_checkpoint(checkpoint);
  opened.task->restore(snapshot);
  opened.step = integer_fact(snapshot, "step");
  return opened;
}

}  // namespace strata::train
