#include "strata/train/image_task.h"
#include "strata/train/language_task.h"

namespace strata::train {

std::unique_ptr<Task> make_task(const base::Config& config) {
  const std::string& model = config.string_at("model.kind");
  const bool is_image_model = model == "lenet", are_images = config.string_at("data.kind") == "fashion_mnist";
  if (is_image_model != are_images)
    config.refuse("data.kind", "a " + model + " doesn't learn from " + config.string_at("data.kind"));
  if (is_image_model) return make_image_task(config);
  return make_language_task(config);
}

}  // namespace strata::train
