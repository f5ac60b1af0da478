#include "strata/base/config/config.h"
#include "strata/train/config/config_rules.h"
#include "strata/train/images/image_task.h"
#include "strata/train/language/language_task.h"

namespace strata::train {

std::unique_ptr<Task> make_task(const base::Config& config) {
  check_rules(config);
  if (config.string_at("model.kind") == "lenet") return make_image_task(config);
  return make_language_task(config);
}

}  // namespace strata::train
