#include "strata/train/config/config_rules.h"
#include "strata/train/supervised/supervised_task.h"

namespace strata::train {

std::unique_ptr<Task> make_task(const base::Config& config) {
  check_rules(config);
  return make_supervised_task(config, supervised_parts(config));
}

}  // namespace strata::train
