#include "strata/train/config/config_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "strata/models/list.h"
#include "strata/train/supervised/data_kinds.h"

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
  const models::Architecture& model = models::architecture(config.string_at("model.kind"));
  const DataKind& data = data_kind(config.string_at("data.kind"));
  if (model.eats != data.gives || model.returns != data.asks)
    config.refuse("data.kind",
                  fmt::format("a {} learns {} from {}, {} gives {}", model.name, models::output_name(model.returns),
                              models::input_name(model.eats), data.name, models::input_name(data.gives)));
  if (!model.trains_in_half && config.string_at("optim.precision") != "f32")
    config.refuse("optim.precision", fmt::format("a {} trains in f32 only", model.name));
  if (config.string_at("optim.commit") == "finite_loss" && config.float_at("optim.clip") > 0)
    config.refuse("optim.clip", "clipping waits for all gradients, and optim.commit = \"finite_loss\" for none");
  if (model.check) model.check(config);
  if (data.check) data.check(config);
}

}  // namespace strata::train
