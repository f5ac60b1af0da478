#include "strata/train/config/config_rules.h"

#include <algorithm>
#include <string>

#include "strata/train/language/language_task.h"

namespace strata::train {
namespace {

/// The name is that of a folder below runs/.
void check_name(const base::Config& config) {
  const std::string& name = config.string_at("run.name");
  const bool is_folder = !name.empty() && name != "." && name != ".." && name.size() <= 200;
  const bool is_plain = std::ranges::none_of(name, [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return c == '/' || code < 0x20 || code == 0x7f;
  });
  if (!is_folder || !is_plain)
    config.refuse("run.name", "expected the name of a folder: 1 to 200 bytes without / and control characters");
}

}  // namespace

void check_rules(const base::Config& config) {
  check_name(config);
  const std::string &model = config.string_at("model.kind"), &data = config.string_at("data.kind");
  const bool is_image_model = model == "lenet", are_images = data == "fashion_mnist";
  if (is_image_model != are_images) config.refuse("data.kind", "a " + model + " doesn't learn from " + data);
  if (is_image_model && config.string_at("optim.precision") != "f32")
    config.refuse("optim.precision", "a lenet trains in f32 only");
  if (is_image_model) return;
  gpt_config(config);
  if (data == "text" && config.string_at("data.path").empty())
    config.refuse("data.kind", "a text needs its file in data.path");
  if (config.int_at("data.limit") != 0) config.refuse("data.limit", "a limit is for images, not for texts");
}

}  // namespace strata::train
